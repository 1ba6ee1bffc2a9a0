// SPDX-License-Identifier: AGPL-3.0-or-later
#include "app/proxy.hpp"
#include "app/serve.hpp"
#include "app/standing.hpp"
#include "interface/run.hpp"

int main(int argc, char** argv) {
  return kadenza::interface::run(argc, argv,
                                 {.version = KADENZA_VERSION,
                                  .serve = kadenza::app::serve,
                                  .proxy = kadenza::app::proxy,
                                  .recover = kadenza::app::recover});
}
