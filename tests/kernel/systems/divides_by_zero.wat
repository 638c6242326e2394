;; Makes its provider trap.
(module $divides_by_zero
  (import "math" "quotient" (func $quotient (param i32 i32) (result i32)))
  (func $asks (result i32) (call $quotient (i32.const 1) (i32.const 0)))
  (func (export "_start") (drop (call $asks))))
