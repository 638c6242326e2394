(module $m (rec (type $a (sub (struct (field $x (mut i8)) (field f64 (ref null $b))))) (type $b (sub final $a (struct (field i8)))))
  (type $f (func (param $p i32) (result i64 v128))) (type (array (mut anyref))))
