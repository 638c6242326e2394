#include "derivations/lang/names.hpp"

namespace lang {

Names::Names(SymbolTable& table)
    : type(table.intern("type")), out_path(table.intern("outPath")), drv_path(table.intern("drvPath")),
      output_name(table.intern("outputName")), name(table.intern("name")), value(table.intern("value")),
      functor(table.intern("__functor")), to_string(table.intern("__toString")), overrides(table.intern("__overrides")),
      recurse(table.intern("recurseForDerivations")), file(table.intern("file")), line(table.intern("line")),
      column(table.intern("column")), right(table.intern("right")), wrong(table.intern("wrong")),
      success(table.intern("success")), derivation(table.intern("derivation")), outputs(table.intern("outputs")),
      system(table.intern("system")), builder(table.intern("builder")), args(table.intern("args")),
      output_hash(table.intern("outputHash")), output_hash_algo(table.intern("outputHashAlgo")),
      output_hash_mode(table.intern("outputHashMode")), structured_attrs(table.intern("__structuredAttrs")),
      ignore_nulls(table.intern("__ignoreNulls")), content_addressed(table.intern("__contentAddressed")),
      impure(table.intern("__impure")), start_set(table.intern("startSet")), op(table.intern("operator")),
      key(table.intern("key")), path(table.intern("path")), prefix(table.intern("prefix")),
      filter(table.intern("filter")), recursive(table.intern("recursive")), sha256(table.intern("sha256")),
      version(table.intern("version")), all_outputs(table.intern("allOutputs")), body(table.intern("body")) {}

} // namespace lang
