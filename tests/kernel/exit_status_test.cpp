// What the kernel writes when it ends comes back from QEMU's exit status.
#include <new>

#include "kernel/system/exit_status.hpp"
#include <catch2/catch.hpp>
#include <set>

using namespace kernel;

TEST_CASE("a system's status from 0 to 96, 125 and 134 survives the way through QEMU") {
  for (uint32_t status = 0; status <= 255; ++status) {
    const int process = process_status_of(outcome_of_status(status));
    CHECK(process > 0);
    CHECK(process <= 255);
    const auto outcome = outcome_of_process_status(process);
    REQUIRE(outcome.has_value());
    if (status <= 96 || status == kStatusNotStarted || status == kStatusTrapped)
      CHECK(status_of_outcome(*outcome) == status);
    else
      CHECK(*outcome == Outcome::system_failed);
  }
}

TEST_CASE("outcomes that are no system's end have no status") {
  for (const Outcome outcome : {Outcome::system_failed, Outcome::refused, Outcome::panicked, Outcome::tests_failed,
                                Outcome::bad_command_line}) {
    CHECK(outcome_of_process_status(process_status_of(outcome)) == outcome);
    CHECK(!status_of_outcome(outcome).has_value());
  }
}

TEST_CASE("the numbers that QEMU ends with are the documented ones") {
  CHECK(process_status_of(Outcome::success) == 33);
  CHECK(process_status_of(Outcome::system_failed) == 35);
  CHECK(process_status_of(Outcome::refused) == 37);
  CHECK(process_status_of(Outcome::panicked) == 39);
  CHECK(process_status_of(Outcome::tests_failed) == 41);
  CHECK(process_status_of(Outcome::bad_command_line) == 43);
  CHECK(process_status_of(Outcome::not_started) == 45);
  CHECK(process_status_of(Outcome::trapped) == 47);
  CHECK(process_status_of(outcome_of_status(1)) == 65);
  CHECK(process_status_of(outcome_of_status(96)) == 255);
}

TEST_CASE("an exit status that no kernel wrote is QEMU's own") {
  for (const int status : {-1, 0, 1, 2, 31, 32, 34, 49, 63, 64, 66, 254, 256, 257})
    CHECK(!outcome_of_process_status(status).has_value());
}
