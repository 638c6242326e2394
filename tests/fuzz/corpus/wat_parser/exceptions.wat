(tag $e (param i32)) (func (block $h (result i32 exnref) (try_table (catch_ref $e $h) (catch_all 0) (throw $e (i32.const 1))) (unreachable)) throw_ref)
(@custom "x" "y") (; (; ;) ;) ;; end
