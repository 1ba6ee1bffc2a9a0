// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/library/blob_references.hpp"

#include <optional>
#include <utility>

namespace kadenza::services::library {

BlobReferences::Pin::Pin(BlobReferences& references, core::Digest digest)
    : references_(&references), digest_(digest) {
  const std::lock_guard lock(references_->mutex_);
  ++references_->pins_[digest_];
}

BlobReferences::Pin::Pin(Pin&& other) noexcept
    : references_(std::exchange(other.references_, nullptr)), digest_(other.digest_) {}

BlobReferences::Pin::~Pin() {
  if (references_ == nullptr) return;
  const std::lock_guard lock(references_->mutex_);
  const auto pin = references_->pins_.find(digest_);
  if (--pin->second == 0) references_->pins_.erase(pin);
}

core::Result<bool> BlobReferences::remove_if_unused(const core::Digest& digest) {
  const std::lock_guard lock(mutex_);
  if (pins_.contains(digest)) return false;
  KADENZA_TRY(const bool audio, records_.names_audio(digest));
  KADENZA_TRY(const bool cover, records_.names_cover(digest));
  if (audio || cover) return false;
  if (auto removed = store_.remove(digest); !removed) return std::unexpected(removed.error());
  return true;
}

core::Result<std::size_t> BlobReferences::remove_orphans(const std::function<bool()>& stopping) {
  std::size_t removed = 0;
  core::Result<void> checked;
  KADENZA_TRY_VOID(store_.for_each([&](const core::Digest& digest) {
    const auto gone = remove_if_unused(digest);
    if (!gone) checked = std::unexpected(gone.error());
    removed += gone.value_or(false) ? 1 : 0;
    return checked.has_value() && !stopping();
  }));
  if (!checked) return std::unexpected(checked.error());
  return removed;
}

}  // namespace kadenza::services::library
