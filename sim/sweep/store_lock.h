#pragma once
// The lock that keeps a second writer away from a results file.

#include <string>

namespace sparsesim::sweep {

/// Holds FILE.lock, an empty file, with flock(2) for as long as it lives, and removes it at its end. What the system
/// drops when a process ends, killed or not, blocks nobody later, though the file may be left behind.
class WriterLock {
 public:
  /// Takes the lock of `file`, which messages call `name`, or fails at once.
  /// Errors: StoreError where another process holds it, or it cannot be made.
  WriterLock(const std::string& file, const std::string& name);
  ~WriterLock();
  WriterLock(const WriterLock&) = delete;
  WriterLock& operator=(const WriterLock&) = delete;

 private:
  bool is_current() const;

  std::string path_;
  int descriptor_ = -1;
};

}  // namespace sparsesim::sweep
