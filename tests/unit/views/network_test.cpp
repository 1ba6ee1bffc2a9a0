// SPDX-License-Identifier: AGPL-3.0-or-later
// The network of nodes over HTTP: its shapes, its metrics, and a node without one.
#include "support/fake_network.hpp"
#include "unit/views/server_fixture.hpp"

namespace kadenza::views {
namespace {

using testing::FakeNetwork;
using testing::node_id;

class NetworkRoutes : public ServerFixture {
 protected:
  NetworkRoutes() { network = &fake; }
  FakeNetwork fake;
};

TEST_F(NetworkRoutes, ASnapshotHasItsShape) {
  start();
  const auto seen = object(get("/api/v1/network"));
  EXPECT_EQ(seen.at("self").as_string(), node_id("self").text());
  EXPECT_EQ(seen.at("endpoint").as_string(), "192.0.2.1:4748");
  EXPECT_EQ(seen.at("estimated_nodes").as_int64(), 5);
  EXPECT_TRUE(seen.at("joined").as_bool());
  EXPECT_FALSE(seen.at("link_suspected").as_bool());
  EXPECT_EQ(seen.at("traffic").at("dropped_size").as_int64(), 3);
  EXPECT_EQ(seen.at("refused").at("plain_text").as_int64(), 2);
  const auto& settings = seen.at("settings").as_object();
  EXPECT_EQ(settings.at("replicas").as_int64(), 3);
  EXPECT_EQ(settings.at("write_quorum").as_int64(), 2);
  EXPECT_EQ(settings.at("candidates").as_int64(), 40);
  EXPECT_EQ(settings.at("partitions").as_int64(), 65536);
  const auto& repair = seen.at("repair").as_object();
  EXPECT_EQ(repair.at("songs").as_int64(), 40);
  EXPECT_EQ(repair.at("under_replicated").as_int64(), 3);
  EXPECT_EQ(repair.at("bytes_to_move").as_int64(), 5000);
  EXPECT_EQ(repair.at("time_left_ms").to_number<double>(), 250);
  EXPECT_EQ(repair.at("songs_copied").as_int64(), 8);
  EXPECT_EQ(repair.at("bytes_copied").as_int64(), 8000);
  EXPECT_EQ(repair.at("copies_failed").as_int64(), 1);
  EXPECT_EQ(repair.at("surplus").as_int64(), 7);
  EXPECT_EQ(repair.at("handed_over").as_int64(), 6);
  EXPECT_EQ(repair.at("scrubbed_bytes").as_int64(), 90'000);
  EXPECT_EQ(repair.at("scrub_passes").as_int64(), 2);
  EXPECT_EQ(repair.at("scrub_progress").to_number<double>(), 0.5);
  EXPECT_EQ(repair.at("rotten").as_int64(), 4);
  EXPECT_EQ(repair.at("healed").as_int64(), 3);
  const auto& departure = repair.at("departure").as_object();
  EXPECT_EQ(departure.at("songs").as_int64(), 9);
  EXPECT_EQ(departure.at("bytes").as_int64(), 900);
  EXPECT_EQ(departure.at("safe_songs").as_int64(), 8);
  EXPECT_EQ(departure.at("safe_bytes").as_int64(), 800);
  EXPECT_EQ(departure.at("homeless_songs").as_int64(), 1);
  EXPECT_FALSE(departure.at("done").as_bool());
  EXPECT_TRUE(seen.at("nodes").at(0).at("leaving").as_bool());
  EXPECT_EQ(seen.at("round_trips").at("count").as_int64(), 6);
  EXPECT_EQ(seen.at("round_trips").at("at_most").at(1).at("count").as_int64(), 5);

  const auto& bucket = seen.at("buckets").as_array().at(0).as_object();
  EXPECT_EQ(bucket.at("shared_bits").as_int64(), 0);
  const auto& contacts = bucket.at("contacts").as_array();
  ASSERT_EQ(contacts.size(), 3U);
  EXPECT_EQ(contacts[0].at("state").as_string(), "live");
  EXPECT_EQ(contacts[0].at("capacity_class").as_int64(), 9);
  EXPECT_DOUBLE_EQ(contacts[0].at("round_trip_ms").to_number<double>(), 1.5);
  EXPECT_DOUBLE_EQ(contacts[0].at("heard_ago_ms").to_number<double>(), 12'000);
  EXPECT_EQ(contacts[1].at("state").as_string(), "suspected");
  EXPECT_TRUE(contacts[1].at("heard_ago_ms").is_null());
  EXPECT_EQ(contacts[2].at("state").as_string(), "dead");
  EXPECT_EQ(bucket.at("candidates").at(0).at("state").as_string(), "candidate");
  EXPECT_TRUE(bucket.at("candidates").at(0).at("round_trip_ms").is_null());
}

TEST_F(NetworkRoutes, ALookupTellsItsWay) {
  start();
  const auto key = node_id("any").text();
  const auto trace = object(get("/api/v1/network/lookup/" + key));
  EXPECT_EQ(trace.at("key").as_string(), key);
  EXPECT_EQ(trace.at("nearer_than_self").as_int64(), 1);
  EXPECT_EQ(trace.at("nearest").at(0).at("id").as_string(), node_id("near").text());
  const auto& hops = trace.at("hops").as_array();
  ASSERT_EQ(hops.size(), 3U);
  EXPECT_TRUE(hops[0].at("told_by").is_null());
  EXPECT_EQ(hops[1].at("told_by").as_string(), node_id("live").text());
  EXPECT_EQ(hops[1].at("hop").as_int64(), 2);
  EXPECT_EQ(hops[1].at("shared_bits").as_int64(), 9);
  EXPECT_EQ(hops[2].at("state").as_string(), "failed");
  EXPECT_TRUE(hops[2].at("took_ms").is_null());
}

TEST_F(NetworkRoutes, AKeyIsAnId) {
  start();
  const auto refused = get("/api/v1/network/lookup/short");
  EXPECT_EQ(refused.result_int(), 400U);
  EXPECT_EQ(code(refused), "invalid_argument");
  EXPECT_EQ(get("/api/v1/network", "", "").result_int(), 401U);
}

TEST_F(NetworkRoutes, TooManyLookupsAreRefused) {
  fake.error = core::Error{core::Errc::kTooManyRequests, "Too many lookups are under way."};
  start();
  EXPECT_EQ(get("/api/v1/network/lookup/" + node_id("any").text()).result_int(), 429U);
  EXPECT_EQ(get("/metrics").result_int(), 200U);
}

TEST_F(NetworkRoutes, MetricsShowTheNetwork) {
  start();
  const std::string text = get("/metrics").body();
  for (const char* line : {"kadenza_network_datagrams_in_total 7",
                           "kadenza_network_dropped_total{reason=\"size\"} 3",
                           "kadenza_network_contacts{state=\"live\"} 1",
                           "kadenza_network_contacts{state=\"suspected\"} 1",
                           "kadenza_network_contacts{state=\"dead\"} 1",
                           "kadenza_network_contacts{state=\"candidate\"} 1",
                           "kadenza_network_joined 1",
                           "kadenza_network_round_trip_seconds_bucket{le=\"0.01\"} 5",
                           "kadenza_network_round_trip_seconds_bucket{le=\"+Inf\"} 6",
                           "kadenza_network_round_trip_seconds_sum 0.03",
                           "kadenza_rpc_refused_total{reason=\"plain_text\"} 2",
                           "kadenza_rpc_refused_total{reason=\"removed\"} 0",
                           "kadenza_repair_under_replicated_songs 3",
                           "kadenza_repair_bytes_to_move 5000",
                           "kadenza_repair_songs_copied_total 8",
                           "kadenza_repair_copies_failed_total 1",
                           "kadenza_repair_surplus_songs 7",
                           "kadenza_repair_songs_handed_over_total 6",
                           "kadenza_drain_under_way 1",
                           "kadenza_drain_bytes_left 100",
                           "kadenza_drain_homeless_songs 1",
                           "kadenza_scrub_progress 0.5",
                           "kadenza_scrub_passes_total 2",
                           "kadenza_scrub_rotten_total 4",
                           "kadenza_scrub_healed_total 3"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line;
  }
}

TEST_F(NetworkRoutes, ANodeAloneSaysSo) {
  network = nullptr;
  start();
  for (const std::string& target :
       {std::string("/api/v1/network"), "/api/v1/network/lookup/" + node_id("x").text()}) {
    const auto response = get(target);
    EXPECT_EQ(response.result_int(), 404U);
    EXPECT_NE(response.body().find("--standalone"), std::string::npos);
  }
  EXPECT_EQ(get("/metrics").body().find("kadenza_network"), std::string::npos);
}

TEST_F(NetworkRoutes, ReadinessMayWait) {
  options.ready = false;
  start();
  EXPECT_EQ(get("/readyz", "", "").result_int(), 503U);
  server->set_ready(true);
  EXPECT_EQ(get("/readyz", "", "").result_int(), 200U);
}

}  // namespace
}  // namespace kadenza::views
