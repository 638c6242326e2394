// The names that the evaluator itself looks for in sets, interned once.
#pragma once
#include "derivations/lang/symbols.hpp"

namespace lang {

struct Names {
  explicit Names(SymbolTable& table);
  Symbol type;
  Symbol out_path;
  Symbol drv_path;
  Symbol output_name;
  Symbol name;
  Symbol value;
  Symbol functor;
  Symbol to_string;
  Symbol overrides;
  Symbol recurse;
  Symbol file;
  Symbol line;
  Symbol column;
  Symbol right;
  Symbol wrong;
  Symbol success;
  Symbol derivation;
  Symbol outputs;
  Symbol system;
  Symbol builder;
  Symbol args;
  Symbol output_hash;
  Symbol output_hash_algo;
  Symbol output_hash_mode;
  Symbol structured_attrs;
  Symbol ignore_nulls;
  Symbol content_addressed;
  Symbol impure;
  Symbol start_set;
  Symbol op;
  Symbol key;
  Symbol path;
  Symbol prefix;
  Symbol filter;
  Symbol recursive;
  Symbol sha256;
  Symbol version;
  Symbol all_outputs;
  Symbol body;
};

} // namespace lang
