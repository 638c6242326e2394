// Linker: import resolution by name.
#include "runtime/exec/store.hpp"

namespace runtime {

void Linker::define(std::string module, std::string name, Extern value) {
  definitions_.insert_or_assign({std::move(module), std::move(name)}, value);
}

void Linker::define_instance(const std::string& module, Instance& instance) {
  for (const auto& [name, value] : static_cast<InstanceImpl&>(instance).exports)
    define(module, std::string(name), value);
}

Result<std::vector<Extern>> Linker::resolve(const Module& module) const {
  std::vector<Extern> found;
  std::string missing;
  for (const ImportDesc& import : module.decoded().imports) {
    const auto definition = definitions_.find(std::pair(std::string(import.module), std::string(import.name)));
    if (definition != definitions_.end()) {
      found.push_back(definition->second);
    } else {
      missing += missing.empty() ? "unknown import: " : ", ";
      missing += "\"" + std::string(import.module) + "\" \"" + std::string(import.name) + "\"";
    }
  }
  if (!missing.empty()) return std::unexpected(Error{.kind = ErrorKind::unlinkable, .message = std::move(missing)});
  return found;
}

} // namespace runtime
