(memory 1) (func (result v128) (i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 (v128.const f32x4 1 -inf nan 0x1p-2)
  (v128.load8_lane offset=3 align=1 4 (i32.const 0) (v128.const i64x2 1 2))))
