(func $f (export "f") (param $x i32) (result f32) (local $y i64) (local f32 f32)
  (block $l (result i32) (br_table $l 0 (i32.const -0x1_0) (local.get $x)))
  if (result f32) f32.const nan:0x7f else (loop $k (br_if $k (i32.eqz (i32.const 1)))) f32.const 1.5e-3 end
  (drop (select (result i64) (local.get $y) (i64.const 1) (i32.const 0))))
