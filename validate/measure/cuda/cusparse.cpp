// cuSPARSE's generic SpMM over three formats of the weights.

#include <utility>

#include "validate/measure/cuda/operand_kernels.h"
#include "validate/measure/cuda/product_error.h"
#include "validate/measure/cuda/sparse_products.h"
#include "validate/measure/cuda/weight_kernels.h"

namespace sparsesim::measure {
namespace {

constexpr auto kAsStored = CUSPARSE_OPERATION_NON_TRANSPOSE;
constexpr auto kIndex = CUSPARSE_INDEX_32I;
constexpr auto kBase = CUSPARSE_INDEX_BASE_ZERO;
struct DestroySparse {
  void operator()(cusparseSpMatDescr* matrix) const { cusparseDestroySpMat(matrix); }
};
struct DestroyDense {
  void operator()(cusparseDnMatDescr* matrix) const { cusparseDestroyDnMat(matrix); }
};
using SparseMatrix = std::unique_ptr<cusparseSpMatDescr, DestroySparse>;
using DenseMatrix = std::unique_ptr<cusparseDnMatDescr, DestroyDense>;

DenseMatrix dense_matrix(std::int64_t rows, std::int64_t columns, void* values, cudaDataType_t type) {
  cusparseDnMatDescr_t matrix = nullptr;
  check(cusparseCreateDnMat(&matrix, rows, columns, columns, values, type, CUSPARSE_ORDER_ROW));
  return DenseMatrix(matrix);
}

/// Arrays of one copy of the operands, in their order in Operands.
struct Arrays {
  void *offsets, *columns, *values, *x, *out, *buffer;
};

SparseMatrix sparse_matrix(const BlockRows& mask, SparseFormat format, cudaDataType_t type, const Arrays& a) {
  cusparseSpMatDescr_t matrix = nullptr;
  const std::int64_t rows = mask.rows * mask.block_rows, columns = mask.columns * mask.block_columns;
  if (format == SparseFormat::csr) {
    check(cusparseCreateCsr(&matrix, rows, columns, mask.stored(), a.offsets, a.columns, a.values, kIndex, kIndex,
                            kBase, type));
  } else if (format == SparseFormat::bsr) {
    check(cusparseCreateBsr(&matrix, mask.rows, mask.columns, mask.stored(), mask.block_rows, mask.block_columns,
                            a.offsets, a.columns, a.values, kIndex, kIndex, kBase, type, CUSPARSE_ORDER_ROW));
  } else {
    const std::int64_t in_row = mask.offsets[1] * mask.block_columns;
    check(cusparseCreateBlockedEll(&matrix, rows, columns, mask.block_rows, in_row, a.columns, a.values, kIndex, kBase,
                                   type));
  }
  return SparseMatrix(matrix);
}

cusparseSpMMAlg_t algorithm(SparseFormat format) {
  if (format == SparseFormat::csr) return CUSPARSE_SPMM_CSR_ALG2;  // the one for row-major operands
  return format == SparseFormat::bsr ? CUSPARSE_SPMM_BSR_ALG1 : CUSPARSE_SPMM_BLOCKED_ELL_ALG1;
}

/// One product on one copy of the operands.
struct Call {
  SparseMatrix weights;
  DenseMatrix x, out;
  void* buffer = nullptr;
};

class CusparseProduct {
 public:
  CusparseProduct(const Device& device, const SparseProduct& product)
      : device_(device), product_(product), mask_(draw_blocks(product.mask, product.seed)) {
    draw_weights();
    const std::size_t buffer = buffer_bytes();
    operands_ = std::make_unique<Operands>(
        device,
        std::vector<std::size_t>{offsets_.bytes(), columns_.bytes(), values_.bytes(), x_.bytes(), out_bytes(), buffer});
    fill_copies();
  }

  int copies() const { return operands_->copies(); }
  void enqueue(int copy) const {
    const Call& call = calls_[static_cast<std::size_t>(copy)];
    check(cusparseSpMM(device_.sparse, kAsStored, kAsStored, &one_, call.weights.get(), call.x.get(), &zero_,
                       call.out.get(), CUDA_R_32F, algorithm(product_.format), call.buffer));
  }
  void reset() const { check(cudaMemsetAsync(operands_->at(0, 4), 0xff, out_bytes(), device_.stream)); }
  double error() const;

 private:
  std::size_t out_bytes() const {
    return static_cast<std::size_t>(product_.size.m * product_.size.n) * product_.type.out_bytes;
  }
  Arrays arrays(int copy) const {
    return {operands_->at(copy, 0), operands_->at(copy, 1), operands_->at(copy, 2),
            operands_->at(copy, 3), operands_->at(copy, 4), operands_->at(copy, 5)};
  }
  Call make_call(const Arrays& a) const {
    const auto& [m, n, k] = product_.size;
    return {sparse_matrix(mask_, product_.format, product_.type.in_cuda, a),
            dense_matrix(k, m, a.x, product_.type.in_cuda), dense_matrix(n, m, a.out, product_.type.out_cuda),
            a.buffer};
  }
  void draw_weights();
  void convert_to_ell();
  std::size_t buffer_bytes() const;
  void fill_copies();

  const Device& device_;
  SparseProduct product_;
  BlockRows mask_;
  float one_ = 1, zero_ = 0;
  DeviceMemory offsets_, columns_, values_, x_;
  DeviceMemory masked_;  // [n, k], zeros where nothing is stored: what the reference multiplies
  std::unique_ptr<Operands> operands_;
  std::vector<Call> calls_;
};

void CusparseProduct::draw_weights() {
  const auto& [m, n, k] = product_.size;
  const Type type = product_.type.in;
  const std::size_t weight_bytes = static_cast<std::size_t>(n * k) * product_.type.in_bytes;
  offsets_ = to_device(mask_.offsets);
  columns_ = to_device(mask_.column);
  values_ = DeviceMemory(static_cast<std::size_t>(mask_.stored() * mask_.block_elements()) * product_.type.in_bytes);
  x_ = DeviceMemory(static_cast<std::size_t>(k * m) * product_.type.in_bytes);
  masked_ = DeviceMemory(weight_bytes);
  const DeviceMemory dense(weight_bytes), row = to_device(mask_.row_of_stored());
  check(fill_random(dense.data(), type, n * k, product_.seed + 1, device_.stream));
  check(fill_random(x_.data(), type, k * m, product_.seed + 2, device_.stream));
  check(cudaMemsetAsync(masked_.data(), 0, weight_bytes, device_.stream));
  const StoredBlocks blocks{
      mask_.stored(), k, mask_.block_rows, mask_.block_columns, row.as<std::int32_t>(), columns_.as<std::int32_t>()};
  check(gather_blocks(blocks, dense.data(), values_.data(), masked_.data(), type, device_.stream));
  device_.synchronize();
  if (product_.format == SparseFormat::blocked_ell) convert_to_ell();
}

// The library orders a Blocked-ELL matrix's values itself, from the dense one.
void CusparseProduct::convert_to_ell() {
  const auto& [m, n, k] = product_.size;
  const auto kHow = CUSPARSE_DENSETOSPARSE_ALG_DEFAULT;
  const SparseMatrix ell = sparse_matrix(mask_, product_.format, product_.type.in_cuda,
                                         {offsets_.data(), columns_.data(), values_.data(), nullptr, nullptr, nullptr});
  const DenseMatrix dense = dense_matrix(n, k, masked_.data(), product_.type.in_cuda);
  std::size_t bytes = 0;
  check(cusparseDenseToSparse_bufferSize(device_.sparse, dense.get(), ell.get(), kHow, &bytes));
  const DeviceMemory buffer(bytes);
  check(cusparseDenseToSparse_analysis(device_.sparse, dense.get(), ell.get(), kHow, buffer.data()));
  check(cusparseDenseToSparse_convert(device_.sparse, dense.get(), ell.get(), kHow, buffer.data()));
  device_.synchronize();
}

std::size_t CusparseProduct::buffer_bytes() const {
  const DeviceMemory out(out_bytes());
  const Call call = make_call({offsets_.data(), columns_.data(), values_.data(), x_.data(), out.data(), nullptr});
  std::size_t bytes = 0;
  check(cusparseSpMM_bufferSize(device_.sparse, kAsStored, kAsStored, &one_, call.weights.get(), call.x.get(), &zero_,
                                call.out.get(), CUDA_R_32F, algorithm(product_.format), &bytes));
  return bytes;
}

void CusparseProduct::fill_copies() {
  const DeviceMemory* const sources[] = {&offsets_, &columns_, &values_, &x_};
  for (std::size_t operand = 0; operand < 4; ++operand)
    check(cudaMemcpyAsync(operands_->at(0, operand), sources[operand]->data(), sources[operand]->bytes(),
                          cudaMemcpyDeviceToDevice, device_.stream));
  operands_->spread(device_.stream);
  for (int copy = 0; copy < copies(); ++copy) {
    calls_.push_back(make_call(arrays(copy)));
    const Call& call = calls_.back();
    const cusparseStatus_t status =
        cusparseSpMM_preprocess(device_.sparse, kAsStored, kAsStored, &one_, call.weights.get(), call.x.get(), &zero_,
                                call.out.get(), CUDA_R_32F, algorithm(product_.format), call.buffer);
    if (status != CUSPARSE_STATUS_NOT_SUPPORTED) check(status);  // not every algorithm has anything to prepare
  }
  device_.synchronize();
}

double CusparseProduct::error() const {
  const auto& [m, n, k] = product_.size;
  const ProductType& type = product_.type;
  return product_error(device_, type,
                       {.m = m,
                        .n = n,
                        .k = k,
                        .x = {operands_->at(0, 3), type.in, 1, m},
                        .w = {masked_.data(), type.in, k, 1},
                        .out = {operands_->at(0, 4), type.out, 1, m},
                        .seed = product_.seed});
}

std::string kernel_name(SparseFormat format) {
  if (format == SparseFormat::csr) return "library:cusparse_csr";
  return format == SparseFormat::bsr ? "library:cusparse_bsr" : "library:cusparse_blocked_ell";
}

}  // namespace

std::unique_ptr<Runner> make_cusparse_runner(const Device& device, const SparseProduct& product) {
  const Type type = product.type.in;
  if (type != Type::fp32 && type != Type::fp16 && type != Type::bf16)
    throw NotHere("cuSPARSE multiplies fp32, fp16 and bf16");
  const auto call = std::make_shared<CusparseProduct>(device, product);
  return make_runner(device, kernel_name(product.format), call);
}

}  // namespace sparsesim::measure
