;; Prints its second argument (argv[1]) and a newline.
(module $prints_argument
  (import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (local $at i32)
    (if (call $args_get (i32.const 1024) (i32.const 2048)) (then (call $exit (i32.const 2))))
    (local.set $at (i32.load (i32.const 1028)))
    (block $end (loop $next
      (br_if $end (i32.eqz (i32.load8_u (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br $next)))
    (i32.store8 (local.get $at) (i32.const 10))
    (i32.store (i32.const 0) (i32.load (i32.const 1028)))
    (i32.store (i32.const 4) (i32.sub (i32.add (local.get $at) (i32.const 1)) (i32.load (i32.const 1028))))
    (call $exit (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
