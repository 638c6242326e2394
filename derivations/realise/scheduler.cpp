// The plan is a graph of the derivations to build; `waiting` counts how many of a node's inputs are not built yet. Both
// passes use explicit stacks: a chain of a hundred thousand derivations must not overflow the thread's.
#include "derivations/realise/scheduler.hpp"
#include "derivations/realise/build_folder.hpp"
#include "store/base/thread_annotations.hpp"
#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

namespace realise {
namespace {
using store::Derivation;
using store::StorePath;

struct Node {
  Derivation derivation;
  std::set<std::string> wanted;
  bool must_build = false;
  size_t waiting = 0;
  std::vector<const StorePath*> users; // nodes that wait for this one; keys of the plan
  bool hopeless = false;               // an input failed
};
using Plan = std::map<StorePath, Node>;

const StorePath& output_path(const StorePath& drv_path, const Derivation& derivation, const std::string& id) {
  const auto output = derivation.outputs.find(id);
  if (output == derivation.outputs.end()) {
    std::string known;
    for (const auto& [each, unused] : derivation.outputs) known += (known.empty() ? "" : ", ") + each;
    throw build_error(drv_path.full() + " has no output “" + id + "”", "its outputs: " + known);
  }
  if (!output->second.path)
    throw build_error("the path of the output “" + id + "” of " + drv_path.full() +
                      " depends on what is built (floating content-addressed), which is not supported");
  return *output->second.path;
}

// What is told of a build that failed, also where the store or the system is to blame.
store::UserError as_build_error(const std::string& name, const std::exception& error) {
  const auto* user_error = dynamic_cast<const store::UserError*>(&error);
  if (user_error == nullptr) return build_error("“" + name + "” could not be built: " + error.what());
  if (user_error->code() == store::UserErrorCode::build) return *user_error;
  return build_error("“" + name + "” could not be built: " + user_error->what(), user_error->hint());
}

class Planner {
public:
  Planner(store::LocalStore& local, const BuildOptions& options, Plan& plan, std::vector<StorePath>& substituted)
      : local_(local), options_(options), plan_(plan), substituted_(substituted) {}

  void want(const StorePath& drv_path, const std::set<std::string>& outputs, bool rebuild) {
    todo_.push_back({drv_path, outputs, rebuild});
    while (!todo_.empty()) {
      const Wish wish = std::move(todo_.back());
      todo_.pop_back();
      consider(wish);
    }
  }

private:
  struct Wish {
    StorePath drv_path;
    std::set<std::string> outputs;
    bool rebuild;
  };

  bool available(const StorePath& path) {
    local_.add_temp_root(path);
    if (local_.is_valid(path)) return true;
    if (!options_.try_substitute || !options_.try_substitute(path)) return false;
    if (!local_.is_valid(path))
      throw build_error("the substituter said that it has brought " + path.full() + ", but has not");
    substituted_.push_back(path);
    return true;
  }

  void consider(const Wish& wish) {
    auto [entry, is_new] = plan_.try_emplace(wish.drv_path);
    Node& node = entry->second;
    if (is_new) {
      local_.add_temp_root(wish.drv_path);
      if (!available(wish.drv_path))
        throw build_error("the derivation " + wish.drv_path.full() + " is not in the store");
      node.derivation = local_.read_derivation(wish.drv_path);
    }
    const bool already = node.must_build;
    bool missing = wish.rebuild;
    for (const std::string& id : wish.outputs) {
      const StorePath& path = output_path(wish.drv_path, node.derivation, id);
      if (node.wanted.insert(id).second && !already) missing |= !available(path);
    }
    if (already || !missing) return;
    node.must_build = true;
    for (const StorePath& source : node.derivation.input_srcs)
      if (!available(source))
        throw build_error("“" + node.derivation.name + "” needs " + source.full() + ", which is not in the store");
    for (const auto& [input, ids] : node.derivation.input_drvs) todo_.push_back({input, ids, false});
  }

  store::LocalStore& local_;
  const BuildOptions& options_;
  Plan& plan_;
  std::vector<StorePath>& substituted_;
  std::vector<Wish> todo_;
};

// The observer's promise: one call at a time.
class Announcer {
public:
  explicit Announcer(BuildObserver* observer) : observer_(observer) {}
  template <class Call> void tell(Call call) {
    if (observer_ == nullptr) return;
    const std::scoped_lock lock{mutex_};
    call(*observer_);
  }

private:
  BuildObserver* const observer_; // called with the mutex held
  std::mutex mutex_;
};

class Builders {
public:
  Builders(const std::filesystem::path& root, const BuildOptions& options, Plan& plan,
           const std::set<StorePath>& rebuild)
      : root_(root), options_(options), plan_(plan), rebuild_(rebuild), announcer_(options.observer) {
    for (auto& [drv_path, node] : plan_) {
      if (!node.must_build) continue;
      ++left_;
      for (const auto& [input, unused] : node.derivation.input_drvs)
        if (const auto found = plan_.find(input); found != plan_.end() && found->second.must_build) {
          ++node.waiting;
          found->second.users.push_back(&drv_path);
        }
      if (node.waiting == 0) ready_.push_back(&drv_path);
    }
    count_ = left_;
    std::ranges::reverse(ready_); // taken from the end: in the order of their paths
  }

  struct Outcome {
    std::vector<StorePath> built;
    std::vector<BuildFailure> failures;
    size_t not_tried = 0; // because an input failed, or of an interrupt
  };

  [[nodiscard]] size_t count() const { return count_; } // of the builds to do
  Announcer& announcer() { return announcer_; }

  Outcome run() {
    unsigned jobs = options_.jobs != 0 ? options_.jobs : std::max(1u, std::thread::hardware_concurrency());
    jobs = static_cast<unsigned>(std::min<size_t>(jobs, count_));
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < jobs; ++i) threads.emplace_back([this] { work(); });
    for (std::thread& thread : threads) thread.join();
    const std::scoped_lock lock{mutex_};
    if (broken_) std::rethrow_exception(broken_);
    return std::move(outcome_);
  }

private:
  void work() {
    try {
      store::LocalStore local{root_};
      while (const StorePath* drv_path = next()) {
        try {
          const bool did = build_one(local, *drv_path, plan_.at(*drv_path).derivation);
          done(*drv_path, did);
        } catch (const std::exception& error) {
          const store::UserError told = as_build_error(plan_.at(*drv_path).derivation.name, error);
          announcer_.tell([&](BuildObserver& observer) { observer.failed(*drv_path, told); });
          failed(*drv_path, told.what(), told.hint());
        }
      }
    } catch (...) { // no build's fault: stop everything
      const std::scoped_lock lock{mutex_};
      if (!broken_) broken_ = std::current_exception();
      left_ = 0;
      changed_.notify_all();
    }
  }

  [[nodiscard]] bool cancelled() const { return options_.limits.cancel != nullptr && options_.limits.cancel->load(); }

  const StorePath* next() {
    const std::scoped_lock lock{mutex_};
    while (left_ != 0 && ready_.empty()) changed_.wait(mutex_);
    if (left_ == 0) return nullptr;
    if (cancelled()) {
      outcome_.not_tried += left_ - running_;
      left_ = 0;
      changed_.notify_all();
      return nullptr;
    }
    const StorePath* drv_path = ready_.back();
    ready_.pop_back();
    ++running_;
    return drv_path;
  }

  // False when another process has built it in the meantime.
  bool build_one(store::LocalStore& local, const StorePath& drv_path, const Derivation& derivation) {
    const bool check = rebuild_.contains(drv_path);
    std::set<StorePath> outputs;
    for (const auto& [id, output] : derivation.outputs)
      if (output.path) outputs.insert(*output.path);
    std::vector<store::LockFile> locks; // in sorted order: two processes cannot wait for each other
    for (const StorePath& path : outputs) {
      local.add_temp_root(path);
      locks.push_back(local.lock_path(path));
    }
    if (!check && !outputs.empty() &&
        std::ranges::all_of(outputs, [&](const StorePath& path) { return local.is_valid(path); }))
      return false;

    const auto start = std::chrono::steady_clock::now();
    announcer_.tell([&](BuildObserver& observer) { observer.started(drv_path); });
    NativeBuildOptions native{.keep_failed = options_.keep_failed,
                              .check = check,
                              .limits = options_.limits,
                              .passed_variables = options_.passed_variables,
                              .on_line = {}};
    if (options_.observer != nullptr)
      native.on_line = [&](std::string_view line) {
        announcer_.tell([&](BuildObserver& observer) { observer.log_line(drv_path, line); });
      };
    std::vector<store::PathInfo> infos = build_natively(local, drv_path, derivation, native);
    if (options_.signing_key != nullptr && !check)
      for (store::PathInfo& info : infos) {
        info.sign(*options_.signing_key);
        local.add_signatures(info.path, info.signatures);
      }
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
    announcer_.tell([&](BuildObserver& observer) { observer.finished(drv_path, time.count()); });
    return true;
  }

  void done(const StorePath& drv_path, bool did_build) {
    const std::scoped_lock lock{mutex_};
    if (did_build) outcome_.built.push_back(drv_path);
    --running_;
    if (left_ != 0) --left_;
    for (const StorePath* user : plan_.at(drv_path).users)
      if (Node& node = plan_.at(*user); --node.waiting == 0 && !node.hopeless) ready_.push_back(user);
    changed_.notify_all();
  }

  void failed(const StorePath& drv_path, std::string message, std::string hint) {
    const std::scoped_lock lock{mutex_};
    outcome_.failures.push_back({drv_path, std::move(message), std::move(hint)});
    --running_;
    if (left_ != 0) --left_;
    std::vector<const StorePath*> todo{&drv_path};
    while (!todo.empty()) {
      const StorePath* lost = todo.back();
      todo.pop_back();
      for (const StorePath* user : plan_.at(*lost).users) {
        if (Node& node = plan_.at(*user); std::exchange(node.hopeless, true)) continue;
        ++outcome_.not_tried;
        if (left_ != 0) --left_;
        todo.push_back(user);
      }
    }
    changed_.notify_all();
  }

  const std::filesystem::path root_;
  const BuildOptions& options_;
  Plan& plan_;
  const std::set<StorePath>& rebuild_;
  Announcer announcer_;
  size_t count_ = 0; // constant once made
  std::mutex mutex_; // also of what changes in the plan's nodes: waiting, hopeless
  std::condition_variable_any changed_;
  std::vector<const StorePath*> ready_ KPKG_GUARDED_BY(mutex_);
  size_t left_ KPKG_GUARDED_BY(mutex_) = 0; // to build: neither built nor failed nor hopeless
  size_t running_ KPKG_GUARDED_BY(mutex_) = 0;
  Outcome outcome_ KPKG_GUARDED_BY(mutex_);
  std::exception_ptr broken_ KPKG_GUARDED_BY(mutex_);
};

} // namespace

BuildResult build(store::LocalStore& local, const std::vector<BuildTarget>& targets, const BuildOptions& options) {
  sweep_build_folders(local.root());
  BuildResult result;
  Plan plan;
  std::set<StorePath> rebuild;
  std::vector<std::set<std::string>> wanted;
  Planner planner{local, options, plan, result.substituted};
  for (const BuildTarget& target : targets) {
    std::set<std::string> outputs = target.outputs;
    if (outputs.empty()) {
      for (const auto& [id, unused] : local.read_derivation(target.drv_path).outputs) outputs.insert(id);
    }
    if (options.check) rebuild.insert(target.drv_path);
    planner.want(target.drv_path, outputs, options.check);
    wanted.push_back(std::move(outputs));
  }

  Builders builders{local.root(), options, plan, rebuild};
  builders.announcer().tell(
      [&](BuildObserver& observer) { observer.planned(builders.count(), result.substituted.size()); });
  Builders::Outcome outcome = builders.run();
  result.built = std::move(outcome.built);

  if (!outcome.failures.empty() || outcome.not_tried != 0) {
    std::ranges::sort(outcome.failures, {}, &BuildFailure::drv_path);
    std::string message;
    for (const BuildFailure& failure : outcome.failures) message += (message.empty() ? "" : "\n") + failure.message;
    if (message.empty()) message = "the builds were interrupted";
    if (outcome.not_tried != 0)
      message += "\n" + std::to_string(outcome.not_tried) +
                 (outcome.not_tried == 1 ? " derivation was" : " derivations were") + " not built because of this";
    std::string hint = outcome.failures.empty() ? "" : outcome.failures.front().hint;
    throw BuildsFailed(message, std::move(hint), std::move(outcome.failures));
  }
  for (size_t i = 0; i < targets.size(); ++i) {
    BuiltTarget& built = result.targets.emplace_back(targets[i].drv_path);
    const Derivation& derivation = plan.at(targets[i].drv_path).derivation;
    for (const std::string& id : wanted[i])
      built.outputs.emplace(id, local.query(output_path(targets[i].drv_path, derivation, id)).value());
  }
  return result;
}

} // namespace realise
