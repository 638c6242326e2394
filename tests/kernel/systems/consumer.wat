;; Asks "math" for 20 + 22 and prints it with two digits; ends with 0 if that was the first call that "math" answered.
(module $consumer
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "math" "add" (func $add (param i32 i32) (result i32)))
  (import "math" "calls" (func $calls (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\10\00\00\00\0e\00\00\00") ;; one buffer: at 16, 14 bytes
  (data (i32.const 16) "the sum is ..\0a")
  (func (export "_start")
    (local $sum i32)
    (local.set $sum (call $add (i32.const 20) (i32.const 22)))
    (i32.store8 (i32.const 27) (i32.add (i32.const 48) (i32.div_u (local.get $sum) (i32.const 10))))
    (i32.store8 (i32.const 28) (i32.add (i32.const 48) (i32.rem_u (local.get $sum) (i32.const 10))))
    (if (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)) (then (call $exit (i32.const 99))))
    (call $exit (i32.sub (call $calls) (i32.const 1)))))
