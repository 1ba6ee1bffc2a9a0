// SPDX-License-Identifier: AGPL-3.0-or-later
#include "transcript.hpp"

#include <algorithm>
#include <charconv>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <vector>

#include "distributed/kademlia/node.hpp"
#include "support.hpp"

namespace kadenza::distributed::kademlia::testing {
namespace {

using Words = std::vector<std::string>;

Words words_of(const std::string& line) {
  std::istringstream stream(line.substr(0, line.find('#')));
  Words words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

NodeId id_of_text(const std::string& hex) {
  std::string padded = hex;
  padded.resize(16, '0');
  std::uint64_t head = 0;
  std::from_chars(padded.data(), padded.data() + padded.size(), head, 16);
  return id_of(head);
}

Duration duration_of(const std::string& text) {
  const std::int64_t count = std::atoll(text.c_str());
  return text.ends_with("ms") ? Duration(count * 1ms) : Duration(count * 1s);
}

class Player {
 public:
  std::string play(std::string_view script) {
    std::istringstream lines{std::string(script)};
    int number = 0;
    for (std::string line; complaint_.empty() && std::getline(lines, line);) {
      ++number;
      const Words words = words_of(line);
      if (words.empty()) continue;
      const bool expectation = words[0] == ">" || words[0] == "=" || words[0] == "...";
      if (!expectation) nothing_left();
      if (complaint_.empty()) run(words, line);
      if (!complaint_.empty()) return "line " + std::to_string(number) + ": " + complaint_;
    }
    nothing_left();
    return complaint_.empty() ? "" : "at the end: " + complaint_;
  }

 private:
  void run(const Words& words, const std::string& line) {
    if (words[0] == ">" || words[0] == "=") return expect(words, line);
    if (words[0] == "...") return done_.clear();
    if (words[0] == "contact" && words.size() >= 3) return define(words);
    if (words[0] == "node" && words.size() == 2) return make_node(words[1]);
    if (words[0] == "set" && words.size() == 3) return configure(words[1], words[2]);
    if (!node_) return complain("the node is not there yet: " + line);
    if (words[0] == "bootstrap") return bootstrap(words);
    if (words[0] == "<" && words.size() >= 3) return receive(words);
    if (words[0] == "unreachable" && words.size() == 2) {
      node_->unreachable(contact(words[1]).endpoint, now_, outbox_);
      return collect();
    }
    if (words[0] == "wait" && words.size() == 2) return wait(duration_of(words[1]));
    if (words[0] == "lookup" && words.size() == 4) return look_up(words);
    if (words[0] == "table" || words[0] == "dead") return check_table(words);
    if (words[0] == "buckets" && words.size() == 2) {
      return check(std::to_string(node_->table().buckets().size()), words[1], "buckets");
    }
    if (words[0] == "link" && words.size() == 2) {
      return check(node_->link_suspected() ? "suspected" : "fine", words[1], "link");
    }
    complain("not understood: " + line);
  }

  void define(const Words& words) {
    Contact made{id_of_text(words[2]),
                 Endpoint::v4(0x7f000001, static_cast<std::uint16_t>(1001 + contacts_.size()))};
    if (words.size() == 4) made.capacity_class = static_cast<std::uint8_t>(std::atoi(words[3].c_str()));
    contacts_[words[1]] = made;
  }

  void make_node(const std::string& id) {
    node_ = std::make_unique<KademliaNode>(Contact{id_of_text(id), Endpoint::v4(0x7f000001, 1000)}, config_,
                                           random_);
  }

  void configure(const std::string& name, const std::string& value) {
    if (name == "refresh") {
      config_.refresh_interval = duration_of(value);
    } else if (name == "bucket") {
      config_.bucket_size = static_cast<std::size_t>(std::atoi(value.c_str()));
    } else {
      complain("no such setting: " + name);
    }
  }

  void bootstrap(const Words& words) {
    std::vector<Contact> saved;
    std::vector<Endpoint> seeds;
    bool is_seed = true;
    for (std::size_t i = 1; i < words.size(); ++i) {
      if (words[i] == "saved" || words[i] == "seeds") {
        is_seed = words[i] == "seeds";
      } else if (is_seed) {
        seeds.push_back(contact(words[i]).endpoint);
      } else {
        saved.push_back(contact(words[i]));
      }
    }
    node_->bootstrap(saved, seeds, now_, outbox_);
    collect();
  }

  void receive(const Words& words) {
    const std::string& name = words[1];
    const std::string& kind = words[2];
    Message message{.sender = contact(name)};
    if (kind == "pong" || kind == "nodes") {
      auto& waiting = requests_[name + (kind == "pong" ? " ping" : " find_node")];
      if (waiting.empty()) {
        message.transaction = 4711;  // nobody asked
      } else {
        message.transaction = waiting.back().transaction;
        message.attempt = waiting.back().attempt;
        waiting.pop_back();
      }
    } else {
      message.transaction = ++asked_us_;
    }
    if (kind == "ping") {
      message.body = Ping{};
    } else if (kind == "pong") {
      message.body = Pong{};
    } else if (kind == "find_node" && words.size() == 4) {
      message.body = FindNode{id_of_text(words[3])};
    } else if (kind == "nodes") {
      Nodes nodes;
      for (std::size_t i = 3; i < words.size(); ++i) nodes.contacts.push_back(contact(words[i]));
      message.body = nodes;
    } else {
      return complain("no such message: " + kind);
    }
    node_->receive(message.sender.endpoint, message, now_, outbox_);
    if (node_->next_wakeup() <= now_) node_->tick(now_, outbox_);
    collect();
  }

  void wait(Duration duration) {
    const Instant end = now_ + duration;
    while (node_->next_wakeup() <= end) {
      now_ = std::max(now_, node_->next_wakeup());
      node_->tick(now_, outbox_);
      if (node_->next_wakeup() <= now_) return complain("the node asks to be woken at once again");
      collect();
    }
    now_ = end;
  }

  void look_up(const Words& words) {
    const auto count = static_cast<std::uint8_t>(std::atoi(words[2].c_str()));
    const LookupGoal goal = words[1] == "read" ? LookupGoal::read(count) : LookupGoal::nearest(count);
    if (!node_->start(id_of_text(words[3]), goal, now_, outbox_)) complain("the lookup was refused");
    collect();
  }

  void check_table(const Words& words) {
    std::set<std::string> wanted(words.begin() + 1, words.end());
    std::set<std::string> found;
    for (const Bucket& bucket : node_->table().buckets()) {
      for (const Entry& entry : bucket.live) {
        if (entry.excluded() == (words[0] == "dead")) found.insert(name_of(entry.contact.endpoint));
      }
    }
    check(joined(found), joined(wanted), words[0]);
  }

  void expect(const Words& words, const std::string& line) {
    const std::string wanted = joined(words);
    const auto found = std::find(done_.begin(), done_.end(), wanted);
    if (found == done_.end()) {
      complain("expected '" + line + "', but there is only: " + joined(done_, ", "));
    } else {
      done_.erase(found);
    }
  }

  void nothing_left() {
    if (!done_.empty()) complain("not expected before this: " + joined(done_, ", "));
  }

  void collect() {
    for (const Send& send : outbox_.sends) {
      const std::string name = name_of(send.to);
      const std::string what = text_of(send.message);
      if (send.message.is_request()) {
        auto& waiting = requests_[name + (what.starts_with("ping") ? " ping" : " find_node")];
        std::erase_if(waiting, [&](const Message& m) { return m.transaction == send.message.transaction; });
        waiting.push_back(send.message);
      }
      done_.push_back("> " + name + " " + what);
    }
    for (const LookupResult& result : outbox_.finished) {
      std::string text = "= found";
      for (const Contact& found : result.contacts) text += " " + name_of(found.endpoint);
      done_.push_back(text);
    }
    outbox_.clear();
  }

  std::string text_of(const Message& message) const {
    const std::string again = message.attempt == 1 ? " again" : "";
    if (std::holds_alternative<Ping>(message.body)) return "ping" + again;
    if (std::holds_alternative<Pong>(message.body)) return "pong";
    if (std::holds_alternative<FindNode>(message.body)) return "find_node" + again;
    std::string text = "nodes";
    for (const Contact& listed : std::get<Nodes>(message.body).contacts)
      text += " " + name_of(listed.endpoint);
    return text;
  }

  const Contact& contact(const std::string& name) {
    const auto found = contacts_.find(name);
    if (found != contacts_.end()) return found->second;
    complain("no contact " + name);
    return contacts_[name];
  }

  std::string name_of(const Endpoint& endpoint) const {
    for (const auto& [name, known] : contacts_) {
      if (known.endpoint == endpoint) return name;
    }
    return endpoint.text();
  }

  template <class Texts>
  static std::string joined(const Texts& texts, const std::string& between = " ") {
    std::string all;
    for (const std::string& text : texts) all += (all.empty() ? "" : between) + text;
    return all;
  }

  void check(const std::string& found, const std::string& wanted, const std::string& what) {
    if (found != wanted) complain(what + ": expected '" + wanted + "', found '" + found + "'");
  }
  void complain(const std::string& text) {
    if (complaint_.empty()) complaint_ = text;
  }

  /// Nothing happens by itself unless a script wants it.
  Config config_{.refresh_interval = 24h, .lookup_interval = 24h};
  core::SeededRandom random_{1};
  std::unique_ptr<KademliaNode> node_;
  std::map<std::string, Contact> contacts_;
  std::map<std::string, std::deque<Message>> requests_;  ///< of the node, without an answer
  std::uint64_t asked_us_ = 0;
  Instant now_{1h};
  Outbox outbox_;
  std::vector<std::string> done_;  ///< what the node did and no expectation has named yet
  std::string complaint_;
};

}  // namespace

std::string play_transcript(std::string_view script) {
  return Player().play(script);
}

}  // namespace kadenza::distributed::kademlia::testing
