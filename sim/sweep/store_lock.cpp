#include "sim/sweep/store_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "sim/sweep/store.h"

namespace sparsesim::sweep {

WriterLock::WriterLock(const std::string& file, const std::string& name) : path_(file + ".lock") {
  const auto fail = [&](bool bad_input, const std::string& reason) {
    if (descriptor_ >= 0) ::close(descriptor_);
    throw StoreError(fmt::format("{}: {}", name, reason), bad_input);
  };
  while (true) {
    descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (descriptor_ < 0) {
      const int code = errno;
      fail(code != ENOSPC, fmt::format("cannot make {}: {}", path_, std::strerror(code)));
    }
    struct ::stat status {};
    if (::fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size > 0)
      fail(true, fmt::format("{} is in the way: it is not the lock of a sweep", path_));
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0)
      fail(false, errno == EWOULDBLOCK ? fmt::format("another sweep is writing to it ({} is held)", path_)
                                       : fmt::format("cannot lock {}: {}", path_, std::strerror(errno)));
    if (is_current()) return;
    ::close(descriptor_);  // its last holder removed it between open and flock
  }
}

/// Whether the path still leads to the file that is locked.
bool WriterLock::is_current() const {
  struct ::stat held {};
  struct ::stat named {};
  return ::fstat(descriptor_, &held) == 0 && ::lstat(path_.c_str(), &named) == 0 && held.st_dev == named.st_dev &&
         held.st_ino == named.st_ino;
}

WriterLock::~WriterLock() {
  if (is_current()) ::unlink(path_.c_str());  // while it is held: whoever opened it before finds that it is not current
  ::close(descriptor_);
}

}  // namespace sparsesim::sweep
