#include "launch/fork_servers.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>

#include "base/log.h"
#include "base/text.h"
#include "launch/fork_server_program.h"
#include "launch/proc_fs.h"

namespace penstock::launch {
namespace {

constexpr std::size_t kFactsMax = 16 * 1024 * 1024;
constexpr off_t kLogMax = 1024 * 1024;  // a longer one is begun again
constexpr std::size_t kAnswerMax = 1024;
constexpr std::size_t kRoom = 8192;  // for the variables of one worker, where /proc shows them
constexpr const char* kSpareEnded = "its spare process ended";
constexpr const char* kRoomVariable = "PENSTOCK_ROOM";

struct File {
  std::string path;
  std::uint64_t inode = 0;
  std::int64_t modified_ns = 0;
  std::int64_t size = 0;
};

std::optional<File> file_now(const std::string& path) {
  struct stat now{};
  if (::stat(path.c_str(), &now) != 0) return std::nullopt;
  return File{path, now.st_ino, now.st_mtim.tv_sec * 1'000'000'000LL + now.st_mtim.tv_nsec, now.st_size};
}

bool is_unchanged(const File& file) {
  const auto now = file_now(file.path);
  return now && now->inode == file.inode && now->modified_ns == file.modified_ns && now->size == file.size;
}

std::string read_all(int descriptor) {
  std::string text;
  std::array<char, 65536> block;
  ::lseek(descriptor, 0, SEEK_SET);
  while (text.size() < kFactsMax) {
    const ssize_t size = ::read(descriptor, block.data(), block.size());
    if (size <= 0) break;
    text.append(block.data(), static_cast<std::size_t>(size));
  }
  return text;
}

bool write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t size = ::write(descriptor, text.data(), text.size());
    if (size <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(size));
  }
  return true;
}

template <class Number>
bool parse(std::string_view text, Number& value) {
  const auto done = std::from_chars(text.data(), text.data() + text.size(), value);
  return done.ec == std::errc{} && done.ptr == text.data() + text.size();
}

std::string_view take_until(std::string_view& text, char end) {
  const std::size_t at = std::min(text.find(end), text.size());
  const std::string_view part = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return part;
}

struct Facts {
  std::string problem;
  std::vector<File> files;
};

Facts parse_facts(std::string_view text) {
  Facts facts;
  facts.problem = take_until(text, '\0');
  while (!text.empty()) {
    std::string_view line = take_until(text, '\0');
    File file;
    const bool whole = parse(take_until(line, ' '), file.inode) && parse(take_until(line, ' '), file.modified_ns) &&
                       parse(take_until(line, ' '), file.size);
    file.path = line;
    if (whole) facts.files.push_back(std::move(file));
  }
  return facts;
}

/// Parts that end in a zero each; the program splits there.
std::string order_text(const ForkPlan& plan) {
  std::string text;
  const auto add = [&](const std::string& part) { text.append(part).push_back('\0'); };
  add(std::to_string(plan.arguments.size()));
  for (const std::string& word : plan.arguments) add(word);
  for (const core::EnvVar& variable : plan.own) {
    add(variable.key);
    add(variable.value);
  }
  return text;
}

bool send_with(int socket, std::array<int, 2> descriptors) {
  char word = 'F';
  iovec data{&word, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof descriptors)> control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof descriptors);
  std::memcpy(CMSG_DATA(header), descriptors.data(), sizeof descriptors);
  return ::sendmsg(socket, &message, MSG_NOSIGNAL) == 1;
}

bool send_word(int socket) {
  return ::send(socket, "G", 1, MSG_NOSIGNAL) == 1;
}

struct Heard {
  enum class Kind { nothing, end, message } kind = Kind::nothing;
  std::string text;
  Descriptor descriptor;  // that came with it
};

Heard receive(int socket, std::chrono::milliseconds patience) {
  pollfd wanted{socket, POLLIN, 0};
  if (::poll(&wanted, 1, static_cast<int>(patience.count())) <= 0) return {};
  Heard heard;
  heard.text.resize(kAnswerMax);
  iovec data{heard.text.data(), heard.text.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t size = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (size < 0 && errno == EAGAIN) return {};
  heard.kind = size > 0 ? Heard::Kind::message : Heard::Kind::end;
  heard.text.resize(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  const cmsghdr* header = size > 0 ? CMSG_FIRSTHDR(&message) : nullptr;
  if (header != nullptr && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
    int descriptor = -1;
    std::memcpy(&descriptor, CMSG_DATA(header), sizeof descriptor);
    heard.descriptor = Descriptor(descriptor);
  }
  return heard;
}

struct Pair {
  Descriptor ours;
  Descriptor theirs;
};

Pair make_pair(int type) {
  std::array<int, 2> pair{-1, -1};
  ::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair.data());
  return {Descriptor(pair[0]), Descriptor(pair[1])};
}

Descriptor open_log(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  Descriptor log(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
  struct stat info{};
  if (log && ::fstat(log.get(), &info) == 0 && info.st_size > kLogMax) ::ftruncate(log.get(), 0);
  return log;
}

}  // namespace

/// A child of ours that has been forked already, and becomes a worker at a word.
struct ForkServers::Spare {
  Spawned process;
  Descriptor link;
};

struct ForkServers::Server {
  ForkPlan plan;  // of the worker that it was made for; `own` and `arguments` are not used
  std::string directory;
  State state = State::waiting;
  Instant due{};  // waiting: to begin; loading: to be given up; useless: to be forgotten
  Instant used{};
  Spawned process;
  Descriptor socket;
  Descriptor facts;  // loading
  std::optional<Spare> spare;
  std::optional<Instant> spare_due;  // when one is ordered; none: it is there, or on its way
  std::vector<File> files;           // ready, useless: what it consists of

  bool is_unchanged() const { return std::ranges::all_of(files, &launch::is_unchanged); }
};

ForkServers::ForkServers(Options options) : options_(std::move(options)), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  ENSURE(epoll_);
}

ForkServers::~ForkServers() {
  for (Server& server : servers_) end(server);
  for (const Spawned& one : ending_) ::waitpid(one.pid, nullptr, 0);
}

ForkServers::Place ForkServers::find(const std::string& key) {
  return std::ranges::find_if(servers_, [&](const Server& server) { return server.plan.key == key; });
}

std::optional<Spawned> ForkServers::fork_worker(const WorkerSpec& spec, const Prepared& prepared, int log,
                                                Instant now) {
  if (!options_.enabled) return std::nullopt;
  auto plan = plan_fork(spec, prepared);
  if (!plan) {
    log::debug("worker {} is not forked: {}", spec.id.str(), plan.error().message);
    return std::nullopt;
  }
  Place server = find(plan->key);
  if (server != servers_.end() && server->state == State::useless && !server->is_unchanged()) {
    forget(server);
    server = servers_.end();
  }
  if (server == servers_.end()) {
    make_later(std::move(*plan), prepared.directory, now);
    return std::nullopt;
  }
  server->used = now;
  look(*server, now);
  if (server->state != State::ready) {
    log::debug("worker {} is not forked: the fork server is not ready", spec.id.str());
    return std::nullopt;
  }
  auto spawned = ask(*server, now, order_text(*plan), log);
  if (spawned) return std::move(*spawned);
  if (spawned.error().code == Errc::conflict) {
    log::info("the fork server for {} is replaced: {}", server->directory, spawned.error().message);
    forget(server);
    make_later(std::move(*plan), prepared.directory, now);
  } else {
    give_up(*server, now, spawned.error().message);
  }
  return std::nullopt;
}

void ForkServers::forget(Place server) {
  end(*server);
  servers_.erase(server);
}

void ForkServers::make_later(ForkPlan plan, const std::string& directory, Instant now) {
  if (!make_room(now)) {
    log::debug("no fork server is prepared for {}: {} others were used lately", directory, servers_.size());
    return;
  }
  Server server;
  server.plan = std::move(plan);
  server.directory = directory;
  server.due = now + options_.after;
  server.used = now;
  servers_.push_back(std::move(server));
}

bool ForkServers::make_room(Instant now) {
  if (servers_.size() < options_.servers_max) return true;
  const auto oldest = std::ranges::min_element(servers_, {}, &Server::used);
  if (now - oldest->used < options_.lately) return false;
  forget(oldest);
  return true;
}

void ForkServers::begin(Server& server, Instant now) {
  server.state = State::loading;
  server.due = now + options_.load_max;
  // What the interpreter is by its path, before anything is read; what it consists of it says by itself.
  if (auto file = file_now(server.plan.interpreter)) server.files.push_back(std::move(*file));
  Pair control = make_pair(SOCK_SEQPACKET);
  server.facts = Descriptor(::memfd_create("penstock-fork-server", MFD_CLOEXEC));
  const Descriptor log = open_log(options_.log_file);
  if (!control.ours || !server.facts || !log) return give_up(server, now, std::strerror(errno));
  server.socket = std::move(control.ours);

  std::vector<std::string> words = server.plan.interpreter_words;
  words.insert(words.end(), {"-c", fork_server_program(), server.plan.script_directory, server.plan.arguments.front(),
                             server.plan.modules, join(own_variables(), ",")});
  std::vector<core::EnvVar> environment = {{kRoomVariable, std::string(kRoom, '_')}};
  environment.insert(environment.end(), server.plan.shared.begin(), server.plan.shared.end());
  const Prepared prepared{server.directory, server.plan.interpreter, std::move(environment)};
  auto spawned = spawn_process(words, prepared, log.get(), {control.theirs.get(), server.facts.get()});
  if (!spawned) return give_up(server, now, spawned.error().message);
  server.process = std::move(*spawned);
  epoll_event event{};
  event.events = EPOLLIN;
  ENSURE(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, server.socket.get(), &event) == 0);
}

/// It is kept, as a reminder that another one would be of no use, until a file changes or some time has passed.
void ForkServers::give_up(Server& server, Instant now, const std::string& why) {
  log::warn("workers of {} start afresh and are not forked: {}", server.directory, why);
  end(server);
  server.state = State::useless;
  server.due = now + options_.retry;
}

/// What a server has to say by now: that it is ready, that it has a spare, or that it has ended.
void ForkServers::look(Server& server, Instant now) {
  while (server.state == State::loading || server.state == State::ready) {
    Heard heard = receive(server.socket.get(), std::chrono::milliseconds{0});
    if (heard.kind == Heard::Kind::nothing) break;
    if (heard.kind == Heard::Kind::message && server.state == State::loading) {
      loaded(server, now);
    } else if (heard.kind == Heard::Kind::message) {
      take_spare(server, now, heard.text, std::move(heard.descriptor));
    } else if (server.state == State::loading) {
      give_up(server, now, "the fork server ended while it imported; what it printed is in " + options_.log_file);
    } else {
      log::warn("the fork server for {} ended; the next start of a worker prepares another one", server.directory);
      end(server);
      server.state = State::useless;
      server.due = now;
    }
  }
  if (server.state == State::loading && server.due <= now) {
    give_up(server, now, fmt::format("importing took more than {} s", options_.load_max.count()));
  }
}

void ForkServers::take_spare(Server& server, Instant now, std::string_view text, Descriptor link) {
  Spare spare;
  spare.link = std::move(link);
  const bool whole = text.starts_with('S') && parse(text.substr(1), spare.process.pid) && spare.link;
  // A child of ours stays until we wait for it, so that the pid cannot be another's by now.
  const auto stat = whole ? read_stat(spare.process.pid) : std::nullopt;
  if (!stat || stat->parent != ::getpid() || stat->session != stat->pid || server.spare) {
    return give_up(server, now, "what the fork server made is no worker");
  }
  spare.process.pidfd = open_pidfd(stat->pid);
  if (!spare.process.pidfd) return give_up(server, now, std::strerror(errno));
  server.spare = std::move(spare);
}

void ForkServers::loaded(Server& server, Instant now) {
  Facts facts = parse_facts(read_all(server.facts.get()));
  server.facts = Descriptor();
  std::ranges::move(facts.files, std::back_inserter(server.files));
  if (!facts.problem.empty()) return give_up(server, now, facts.problem);
  log::info("a fork server for {} is ready: {} imported", server.directory, server.plan.modules);
  server.state = State::ready;
}

/// Errors: conflict (another server would do), unavailable (it is of no use).
Result<Spawned> ForkServers::ask(Server& server, Instant now, const std::string& text, int log) {
  const Descriptor order(::memfd_create("penstock-worker", MFD_CLOEXEC));
  if (!order || !write_all(order.get(), text)) return fail(Errc::conflict, std::strerror(errno));
  if (!server.spare) {
    // The one before it was used a moment ago.
    order_spare(server);
    pollfd wanted{server.socket.get(), POLLIN, 0};
    ::poll(&wanted, 1, static_cast<int>(options_.answer_max.count()));
    look(server, now);
    if (!server.spare) return fail(Errc::unavailable, "the fork server made no worker in time");
  }
  const int link = server.spare->link.get();
  if (!send_with(link, {order.get(), log})) return fail(Errc::conflict, kSpareEnded);
  // While it gets ready.
  if (!server.is_unchanged()) return fail(Errc::conflict, "files changed");
  const Heard answer = receive(link, options_.answer_max);
  if (answer.kind == Heard::Kind::nothing) return fail(Errc::unavailable, "the worker did not answer in time");
  if (answer.kind == Heard::Kind::end) return fail(Errc::conflict, kSpareEnded);
  if (answer.text.starts_with('!')) return fail(Errc::conflict, answer.text.substr(1));
  if (!send_word(link)) return fail(Errc::conflict, kSpareEnded);
  Spawned spawned = std::move(server.spare->process);
  server.spare.reset();
  server.spare_due = now + options_.spare_after;
  return spawned;
}

void ForkServers::order_spare(Server& server) {
  if (server.spare_due) send_word(server.socket.get());  // if it has ended, that is heard in time
  server.spare_due.reset();
}

void ForkServers::end(Server& server) {
  server.socket = Descriptor();
  server.facts = Descriptor();
  if (server.spare) end_process(std::move(server.spare->process));
  server.spare.reset();
  server.spare_due.reset();
  if (server.process.pid != 0) end_process(std::move(server.process));
  server.process = Spawned{};
}

void ForkServers::end_process(Spawned process) {
  ::kill(-process.pid, SIGKILL);
  epoll_event event{};
  event.events = EPOLLIN;
  ENSURE(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, process.pidfd.get(), &event) == 0);
  ending_.push_back(std::move(process));
}

void ForkServers::reap() {
  std::erase_if(ending_, [](const Spawned& one) { return ::waitpid(one.pid, nullptr, WNOHANG) != 0; });
}

bool ForkServers::is_loading() const {
  return std::ranges::any_of(servers_, [](const Server& server) { return server.state == State::loading; });
}

void ForkServers::tick(Instant now) {
  for (Server& server : servers_) look(server, now);
  for (Server& server : servers_) {
    // One at a time: they need a processor each, and nobody waits for them.
    if (server.state == State::waiting && server.due <= now && !is_loading()) begin(server, now);
    if (server.spare_due && *server.spare_due <= now) order_spare(server);
  }
  std::erase_if(servers_, [&](Server& server) {
    const bool forgotten = server.state == State::useless && server.due <= now;
    if (!forgotten && now - server.used < options_.idle_max) return false;
    end(server);
    return true;
  });
  reap();
}

std::optional<ForkServers::Instant> ForkServers::next() const {
  std::optional<Instant> next;
  const bool loading = is_loading();
  for (const Server& server : servers_) {
    Instant due = server.used + options_.idle_max;
    const bool waits = server.state == State::waiting && !loading;
    if (waits || server.state == State::loading || server.state == State::useless) due = std::min(due, server.due);
    if (server.spare_due) due = std::min(due, *server.spare_due);
    next = next ? std::min(*next, due) : due;
  }
  return next;
}

bool ForkServers::is_one(pid_t pid) const {
  const auto has = [&](const Server& server) {
    return server.process.pid == pid || (server.spare && server.spare->process.pid == pid);
  };
  return std::ranges::any_of(servers_, has) || std::ranges::find(ending_, pid, &Spawned::pid) != ending_.end();
}

}  // namespace penstock::launch
