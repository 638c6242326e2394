;; Grows its memory page by page until that fails; ends with the number of pages it got, at most 90.
(module $grows
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (block $full (loop $more
      (br_if $full (i32.ge_u (memory.size) (i32.const 90)))
      (br_if $full (i32.eq (memory.grow (i32.const 1)) (i32.const -1)))
      (br $more)))
    (call $exit (memory.size))))
