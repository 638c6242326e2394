;; Ends with 0 if "reactor" is ready.
(module $asks_ready
  (import "reactor" "ready" (func $ready (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start") (call $exit (i32.eqz (call $ready)))))
