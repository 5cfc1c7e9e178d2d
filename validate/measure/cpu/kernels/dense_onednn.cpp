#ifdef SPARSESIM_HAVE_ONEDNN
#include <dnnl.hpp>
#include <unordered_map>

#include "validate/measure/cpu/aligned.h"
#include "validate/measure/cpu/kernels/dense_libraries.h"

namespace sparsesim::measure {

namespace {

using dnnl::memory;

memory::data_type operand_type(DenseType type) {
  switch (type) {
    case DenseType::bf16:
      return memory::data_type::bf16;
    case DenseType::int8:
      return memory::data_type::s8;
    case DenseType::fp32:
      break;
  }
  return memory::data_type::f32;
}

memory::data_type result_type(DenseType type) {
  return type == DenseType::int8 ? memory::data_type::s32 : operand_type(type);
}

memory::desc row_major(std::int64_t rows, std::int64_t columns, std::int64_t distance, memory::data_type type) {
  return {{rows, columns}, type, memory::dims{distance, 1}};
}

const dnnl::engine& engine() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

class OneDnn : public DenseKernel {
 public:
  /// layout: of the fixed operand, where another kernel has chosen it; else the library chooses.
  explicit OneDnn(const DenseShape& shape, const memory::desc* layout = nullptr)
      : shape_(shape), stream_(engine()), primitive_(describe(layout)) {
    a_ = memory(primitive_.src_desc(), engine(), nullptr);
    b_ = memory(primitive_.weights_desc(), engine(), nullptr);
    c_ = memory(primitive_.dst_desc(), engine(), nullptr);
    matmul_ = dnnl::matmul(primitive_);
    arguments_ = {{DNNL_ARG_SRC, a_},
                  {DNNL_ARG_WEIGHTS, b_},
                  {DNNL_ARG_DST, c_},
                  {DNNL_ARG_SCRATCHPAD, memory(primitive_.scratchpad_desc(), engine(), scratch_.data())}};
  }

  std::string kernel() const override { return "library:onednn"; }
  std::string implementation() const override { return primitive_.impl_info_str(); }

  std::size_t prepared_bytes() const override { return shape_.fixed == Fixed::none ? 0 : fixed_layout().get_size(); }

  void prepare(const void* operand, void* prepared) override {
    const bool left = shape_.fixed == Fixed::left;
    const memory::desc plain = left ? row_major(shape_.m, shape_.k, shape_.lda, operand_type(shape_.type))
                                    : row_major(shape_.k, shape_.n, shape_.ldb, operand_type(shape_.type));
    memory from(plain, engine(), const_cast<void*>(operand)), to(fixed_layout(), engine(), prepared);
    dnnl::reorder(from, to).execute(stream_, from, to);
    stream_.wait();
  }

  void run(const void* a, const void* b, void* c) override {
    a_.set_data_handle(const_cast<void*>(a));
    b_.set_data_handle(const_cast<void*>(b));
    c_.set_data_handle(c);
    matmul_.execute(stream_, arguments_);
  }

  std::unique_ptr<DenseKernel> resized(std::int64_t size) const override {
    DenseShape shape = shape_;
    (shape.fixed == Fixed::left ? shape.n : shape.m) = size;
    const memory::desc layout = shape.fixed == Fixed::none ? memory::desc() : fixed_layout();
    return std::make_unique<OneDnn>(shape, shape.fixed == Fixed::none ? nullptr : &layout);
  }

 private:
  memory::desc fixed_layout() const {
    return shape_.fixed == Fixed::left ? primitive_.src_desc() : primitive_.weights_desc();
  }

  dnnl::matmul::primitive_desc describe(const memory::desc* layout) {
    const auto type = operand_type(shape_.type);
    const auto any = [&](std::int64_t rows, std::int64_t columns) {
      return layout ? *layout : memory::desc({rows, columns}, type, memory::format_tag::any);
    };
    const memory::desc a =
        shape_.fixed == Fixed::left ? any(shape_.m, shape_.k) : row_major(shape_.m, shape_.k, shape_.lda, type);
    const memory::desc b =
        shape_.fixed == Fixed::right ? any(shape_.k, shape_.n) : row_major(shape_.k, shape_.n, shape_.ldb, type);
    const memory::desc c = row_major(shape_.m, shape_.n, shape_.ldc, result_type(shape_.type));
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    dnnl::matmul::primitive_desc description(dnnl::matmul::desc(a, b, c), attributes, engine());
    scratch_ = Buffer<std::byte>(description.scratchpad_desc().get_size());
    return description;
  }

  DenseShape shape_;
  Buffer<std::byte> scratch_;
  dnnl::stream stream_;
  dnnl::matmul::primitive_desc primitive_;
  dnnl::matmul matmul_;
  memory a_, b_, c_;
  std::unordered_map<int, memory> arguments_;
};

}  // namespace

std::unique_ptr<DenseKernel> make_onednn(const DenseShape& shape, const CpuContext&) {
  try {
    return std::make_unique<OneDnn>(shape);
  } catch (const dnnl::error& error) {
    throw NotHere(std::string("oneDNN has no such product: ") + error.what());
  }
}

}  // namespace sparsesim::measure
#endif
