#include "kpkg/commands/path_info.hpp"
#include "store/posix/user_error.hpp"

namespace kpkg {

Json info_json(const store::PathInfo& info) {
  Json references = Json::array(), signatures = Json::array();
  for (const auto& reference : info.references) references.push_back(reference.full());
  for (const auto& signature : info.signatures) signatures.push_back(signature.to_string());
  Json json{{"path", info.path.full()},
            {"narHash", info.nar_hash.sri()},
            {"narSize", info.nar_size_bytes},
            {"references", references},
            {"signatures", signatures}};
  if (info.deriver) json["deriver"] = info.deriver->full();
  if (!info.content_address.empty()) json["ca"] = info.content_address;
  return json;
}

store::PathInfo valid_path_info(Context& context, const store::StorePath& path) {
  auto info = context.store().query(path);
  if (!info) throw store::UserError(path.full() + " is not valid in the store " + context.store().root().string());
  return std::move(*info);
}

} // namespace kpkg
