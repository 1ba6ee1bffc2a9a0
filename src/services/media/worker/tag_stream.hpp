// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <taglib/tiostream.h>

#include "services/media/worker/file_source.hpp"

namespace kadenza::services::media {

/// A FileSource as TagLib reads it; cannot be written.
class TagStream final : public TagLib::IOStream {
 public:
  explicit TagStream(FileSource& source) : source_(source) {}

  TagLib::FileName name() const override { return ""; }
  TagLib::ByteVector readBlock(unsigned long length) override;
  void seek(long offset, Position from) override;
  long tell() const override { return position_; }
  long length() override { return static_cast<long>(source_.size()); }
  bool readOnly() const override { return true; }
  bool isOpen() const override { return true; }

  void writeBlock(const TagLib::ByteVector&) override {}
  void insert(const TagLib::ByteVector&, unsigned long, unsigned long) override {}
  void removeBlock(unsigned long, unsigned long) override {}
  void truncate(long) override {}

 private:
  FileSource& source_;
  long position_ = 0;
};

}  // namespace kadenza::services::media
