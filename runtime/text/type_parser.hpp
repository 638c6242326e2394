// Types in text form (spec §6.4) into the binary format (§5.3), and the type section they make: the module's own
// definitions first, then the function types that type uses imply, in the order in which they occur (§6.4.9).
#pragma once
#include "runtime/text/bytes.hpp"
#include "runtime/text/scope.hpp"

namespace runtime::text {

// A function type's two halves as encoded value types.
struct Signature {
  CountedBytes params, results;
  std::vector<std::pair<uint32_t, std::string_view>> param_names;
  [[nodiscard]] bool is_empty() const { return params.count == 0 && results.count == 0; }
  [[nodiscard]] std::string key() const; // equal for equal types
};

struct TypeUse {
  std::optional<uint32_t> index; // of an explicit «(type x)», or found by resolve()
  bool has_signature = false;    // «(param …)» or «(result …)» written
  Signature signature;
};

struct ReferenceType {
  bool nullable = false;
  Bytes heap;
};

class TypeParser {
public:
  explicit TypeParser(Scope& scope) : scope_(scope) {}

  // The contents of «(type …)» and «(rec …)», the cursor behind the keyword; up to before the closing parenthesis.
  [[nodiscard]] Result<void> type_field(Cursor& cursor);
  [[nodiscard]] Result<void> rec_field(Cursor& cursor);

  [[nodiscard]] Result<void> value_type(Cursor& cursor, Bytes& out);
  [[nodiscard]] Result<void> reference_type(Cursor& cursor, Bytes& out);
  [[nodiscard]] Result<ReferenceType> split_reference_type(Cursor& cursor);
  [[nodiscard]] Result<void> heap_type(Cursor& cursor, Bytes& out);
  // A reference type begins here.
  [[nodiscard]] static bool at_reference_type(const Cursor& cursor);

  // «(type x)? (param …)* (result …)*»; checks the signature against an explicit type («inline function type»).
  [[nodiscard]] Result<TypeUse> type_use(Cursor& cursor, bool names_allowed);
  // The type index of a type use; adds a type where none fits.
  [[nodiscard]] uint32_t resolve(const TypeUse& use);
  // Parameters of type `index`, 0 when it is no function type of this module (which the validator will refuse).
  [[nodiscard]] uint32_t param_count(uint32_t index) const;

  [[nodiscard]] const CountedBytes& section() const { return section_; } // of rec groups

private:
  struct Defined {
    bool is_function = false;
    uint32_t param_count = 0;
    std::string key;
  };
  [[nodiscard]] Result<void> definition(Cursor& cursor, Bytes& out, bool alone);
  [[nodiscard]] Result<void> composite(Cursor& cursor, Bytes& out, bool implied_by_uses);
  [[nodiscard]] Result<void> structure(Cursor& cursor, Bytes& out);
  [[nodiscard]] Result<void> field_type(Cursor& cursor, Bytes& out);
  [[nodiscard]] Result<Signature> signature(Cursor& cursor, bool names_allowed);

  Scope& scope_;
  CountedBytes section_;
  std::vector<Defined> defined_;                          // by type index
  std::unordered_map<std::string, uint32_t> uses_by_key_; // smallest index that an inline signature stands for
};

} // namespace runtime::text
