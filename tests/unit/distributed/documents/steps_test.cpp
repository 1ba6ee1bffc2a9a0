// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/documents/steps.hpp"

#include <string>

#include <gtest/gtest.h>

#include "distributed/crdt/codec.hpp"
#include "distributed/documents/view.hpp"
#include "documents.pb.h"

namespace kadenza::distributed::documents {
namespace {

using core::Errc;

class StepsTest : public testing::Test {
 protected:
  core::Result<void> apply(const v1::DocumentStep& step) { return documents::apply(step, document, next); }
  void must(const v1::DocumentStep& step) {
    const auto done = apply(step);
    ASSERT_TRUE(done) << done.error().detail;
  }
  void refused(const v1::DocumentStep& step, Errc code) {
    const auto done = apply(step);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, code) << done.error().detail;
  }
  v1::DocumentView view() const {
    v1::DocumentView view;
    to_message(document, view);
    return view;
  }
  std::string items() const {
    std::string all;
    const auto seen = view();
    for (const auto& item : seen.items()) all += item.value();
    return all;
  }
  void insert(std::uint32_t index, const std::string& value) {
    v1::DocumentStep step;
    step.mutable_insert_item()->set_index(index);
    step.mutable_insert_item()->set_value(value);
    must(step);
  }

  Document document;
  crdt::HybridClock clock{7};
  NextStamp next = [this] { return clock.tick(core::WallTime(std::chrono::days(20'000))); };
};

TEST_F(StepsTest, Fields) {
  v1::DocumentStep set, remove;
  set.mutable_set_field()->set_name("title");
  set.mutable_set_field()->set_value("Summer");
  must(set);
  EXPECT_EQ(view().fields(0).value(), "Summer");
  remove.set_remove_field("title");
  must(remove);
  must(remove);  // once more is no error: an answer may have been lost
  EXPECT_EQ(view().fields_size(), 0);
}

TEST_F(StepsTest, Members) {
  v1::DocumentStep add, remove;
  add.set_add_member("song");
  must(add);
  must(add);
  EXPECT_EQ(view().members_size(), 1);
  remove.set_remove_member("song");
  must(remove);
  EXPECT_EQ(view().members_size(), 0);
}

TEST_F(StepsTest, CountersGoUpAndDown) {
  v1::DocumentStep count;
  count.mutable_count()->set_name("plays");
  count.mutable_count()->set_by(5);
  must(count);
  count.mutable_count()->set_by(-7);
  must(count);
  EXPECT_EQ(view().counters(0).value(), -2);
  count.mutable_count()->set_by(std::numeric_limits<std::int64_t>::min());
  must(count);
  EXPECT_LT(view().counters(0).value(), -2);
}

TEST_F(StepsTest, ItemsAreInsertedMovedAndRemoved) {
  insert(0, "b");
  insert(0, "a");
  insert(99, "c");
  EXPECT_EQ(items(), "abc");
  v1::DocumentStep move, remove;
  move.mutable_move_item()->set_id(view().items(2).id());
  move.mutable_move_item()->set_index(0);
  must(move);
  EXPECT_EQ(items(), "cab");
  remove.set_remove_item(view().items(1).id());
  must(remove);
  EXPECT_EQ(items(), "cb");
  must(remove);
  move.mutable_move_item()->set_id(remove.remove_item());
  refused(move, Errc::kNotFound);
}

TEST_F(StepsTest, RemovingTheDocument) {
  insert(0, "a");
  v1::DocumentStep remove;
  remove.set_remove_document(false);
  refused(remove, Errc::kInvalidArgument);
  remove.set_remove_document(true);
  must(remove);
  EXPECT_TRUE(document.removed);
  EXPECT_EQ(items(), "");
}

TEST_F(StepsTest, NonsenseIsRefused) {
  refused(v1::DocumentStep(), Errc::kInvalidArgument);
  v1::DocumentStep step;
  step.set_add_member("");
  refused(step, Errc::kInvalidArgument);
  step.set_add_member(std::string(crdt::kKeyBytesMax + 1, 'x'));
  refused(step, Errc::kInvalidArgument);
  step.mutable_set_field()->set_name("title");
  step.mutable_set_field()->set_value(std::string(crdt::kValueBytesMax + 1, 'x'));
  refused(step, Errc::kTooLarge);
  for (const auto* id :
       {"", "xyz", "00000000000000000000000000000000ff", "0000000000000000000000000000000g"}) {
    step.set_remove_item(id);
    refused(step, Errc::kInvalidArgument);
  }
}

}  // namespace
}  // namespace kadenza::distributed::documents
