#include "runtime/text/spectest.hpp"
#include "runtime/text/literals.hpp"
#include "runtime/text/script_values.hpp"

namespace runtime::text {

Result<void> define_spectest(Linker& linker, Store& store, const std::function<void(std::string_view)>& print) {
  struct Printer {
    const char* name;
    std::vector<ValType> params;
  };
  for (const Printer& printer :
       {Printer{"print", {}}, Printer{"print_i32", {ValKind::i32}}, Printer{"print_i64", {ValKind::i64}},
        Printer{"print_f32", {ValKind::f32}}, Printer{"print_f64", {ValKind::f64}},
        Printer{"print_i32_f32", {ValKind::i32, ValKind::f32}},
        Printer{"print_f64_f64", {ValKind::f64, ValKind::f64}}}) {
    FuncType type{.params = printer.params, .results = {}};
    auto body = [&print, params = printer.params](HostCall& call) -> Result<void> {
      if (!print) return {};
      std::string line;
      for (size_t i = 0; i < params.size(); ++i) line += to_text(Value{params[i], {call.values[i], 0}}) + " ";
      print(line + "\n");
      return {};
    };
    linker.define("spectest", printer.name, store.host_function(type, std::move(body)));
  }

  const auto f32 = static_cast<uint32_t>(parse_f32("666.6").bits);
  linker.define("spectest", "global_i32", store.new_global({ValKind::i32, false}, Value::i32(666)));
  linker.define("spectest", "global_i64", store.new_global({ValKind::i64, false}, Value::i64(666)));
  linker.define("spectest", "global_f32", store.new_global({ValKind::f32, false}, Value::f32_bits(f32)));
  linker.define("spectest", "global_f64",
                store.new_global({ValKind::f64, false}, Value::f64_bits(parse_f64("666.6").bits)));

  const Value null = Value::null(ValType::funcref());
  const Limits limits{.min = 10, .max = 20};
  linker.define("spectest", "table", TRY(store.new_table({ValType::funcref(), limits}, null)));
  Limits limits_64 = limits;
  limits_64.is_64 = true;
  linker.define("spectest", "table64", TRY(store.new_table({ValType::funcref(), limits_64}, null)));
  linker.define("spectest", "memory", TRY(store.new_memory({{.min = 1, .max = 2}})));
  return {};
}

} // namespace runtime::text
