// A stored archive, read as the NAR that its narinfo speaks of.
#pragma once
#include "registry-server/storage/blobs.hpp"
#include "store/format/nar.hpp"
#include "store/format/narinfo.hpp"

namespace registry {

// Archives in these compressions can be read; others are kept unseen.
[[nodiscard]] bool is_readable(std::string_view compression);

// Decompresses the archive and hands the NAR to `visitor`. UserError (refused) where it is malformed, or does not have
// the NarHash and NarSize that the narinfo claims; what the visitor refuses likewise.
void read_archive(const OpenBlob& archive, const store::NarInfo& narinfo, store::NarVisitor& visitor);

} // namespace registry
