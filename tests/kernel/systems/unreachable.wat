(module $unreachable
  (func $never (unreachable))
  (func (export "_start") (call $never)))
