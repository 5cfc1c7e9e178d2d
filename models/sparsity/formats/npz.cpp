// NumPy's .npz files: zip archives of .npy files (PKWARE APPNOTE 6.3), as numpy.savez writes them.

#include <fmt/format.h>

#include "models/sparsity/formats/named_arrays.h"
#include "models/sparsity/formats/npy.h"

namespace sparsesim {
namespace {

/// Where the list of members begins, and how many there are.
struct Directory {
  std::int64_t offset = 0, members = 0;
};

Directory find_directory(const ByteFile& file) {
  constexpr std::int64_t kRecord = 22, kCommentMost = 65535;
  const std::int64_t window = std::min(file.size(), kRecord + kCommentMost);
  const std::string tail = file.read(file.size() - window, window);
  const std::size_t found =
      window < kRecord ? std::string::npos : tail.rfind("PK\x05\x06", static_cast<std::size_t>(window - kRecord));
  if (found == std::string::npos) file.refuse(0, "is no zip archive");
  const std::int64_t record = file.size() - window + static_cast<std::int64_t>(found);
  const Directory directory{file.read_number(record + 16, 4), file.read_number(record + 10, 2)};
  if (directory.members == 0xFFFF || directory.offset == 0xFFFFFFFF)
    file.refuse(record, "archives of 4 GiB or 65,535 members are not read");
  if (directory.offset > record) file.refuse(record + 16, "the list of members would begin behind its end");
  return directory;
}

}  // namespace

std::vector<NamedArray> read_npz_arrays(const ByteFile& file) {
  constexpr std::string_view kSuffix = ".npy";
  const Directory directory = find_directory(file);
  std::vector<NamedArray> arrays;
  std::int64_t entry = directory.offset;
  for (std::int64_t member = 0; member < directory.members; ++member) {
    if (file.read(entry, 4) != "PK\x01\x02") file.refuse(entry, "a member of the archive should be listed here");
    const auto field = [&, at = entry](std::int64_t place, int bytes) { return file.read_number(at + place, bytes); };
    std::string name = file.read(entry + 46, field(28, 2));
    const std::int64_t method = field(10, 2), size = field(24, 4), local = field(42, 4);
    const bool encrypted = field(8, 2) & 1;
    entry += 46 + field(28, 2) + field(30, 2) + field(32, 2);
    if (!name.ends_with(kSuffix)) continue;
    name.resize(name.size() - kSuffix.size());
    if (encrypted) file.refuse(local, fmt::format("array \"{}\" is encrypted", name));
    if (method != 0)
      file.refuse(local, fmt::format("array \"{}\" is compressed", name), "numpy.savez writes arrays that are not");
    if (file.read(local, 4) != "PK\x03\x04") file.refuse(local, fmt::format("array \"{}\" should begin here", name));
    const std::int64_t begin = local + 30 + file.read_number(local + 26, 2) + file.read_number(local + 28, 2);
    if (size > file.size() - begin) file.refuse(begin, fmt::format("array \"{}\" goes beyond the file", name));
    arrays.push_back({name, "npy", true, read_npy_header(file, begin, begin + size)});
  }
  return arrays;
}

}  // namespace sparsesim
