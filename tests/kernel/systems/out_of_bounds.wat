;; Stores beyond its memory, three calls deep.
(module $out_of_bounds
  (memory (export "memory") 1)
  (func $store_far (param $where i32) (i32.store (local.get $where) (i32.const 1)))
  (func $middle (param $where i32) (call $store_far (i32.add (local.get $where) (i32.const 4))))
  (func $begin (export "_start") (call $middle (i32.const 0xc0000000))))
