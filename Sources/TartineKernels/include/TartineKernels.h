// The hot loops of the engine, in C.
//
// One text, `kernels.body.h`, is compiled for Float and Double and for each instruction set of the processor;
// `tartine_kernels_for` returns the table that fits the machine. Buffers are untyped here: the table knows
// its scalar. Matrices are row-major; `stride` is the number of elements from row to row.

#ifndef TARTINE_KERNELS_H
#define TARTINE_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
  TARTINE_FLOAT32 = 0,
  TARTINE_FLOAT64 = 1,
} tartine_scalar;

typedef enum {
  TARTINE_IDENTITY = 0,
  TARTINE_RELU,
  TARTINE_LEAKY_RELU,
  TARTINE_TANH,
  TARTINE_SIGMOID,
  TARTINE_GELU,
  TARTINE_SILU,
  TARTINE_SELU,
  TARTINE_ELU,
} tartine_activation;

typedef enum {
  TARTINE_DEFAULT_LOSS = 0,  // cross-entropy, or half the squared error
  TARTINE_FOCAL,
  TARTINE_ABSOLUTE,
  TARTINE_HUBER,
  TARTINE_QUANTILE,
  TARTINE_POISSON,
} tartine_loss_kind;

typedef struct {
  int kind;
  double smoothing;  // label smoothing
  double parameter;  // focal's gamma, Huber's delta, the quantile
  double mix;        // the mixup coefficient; below 1, the next row's class has the rest of the weight
} tartine_loss;

// A position in the counter-based random space: Philox 4x32-10 keyed by the seed, with a counter made of the
// position.
typedef struct {
  uint32_t key[2];
  uint32_t purpose;
  uint32_t step;
} tartine_stream;

// Piecewise-linear encoding: the column of each bin, its start, and 1 / its length.
typedef struct {
  size_t count;
  const int32_t *columns;
  const float *starts, *slopes;
} tartine_bins;

// How a stored row of floats becomes a row of the network: runs that are copied, categories whose float is the place of a 1
// among `category_lengths` elements (below 0: none), and bins behind them.
typedef struct {
  size_t stored, width;
  size_t run_count;
  const int32_t *run_from, *run_to, *run_lengths;
  size_t category_count;
  const int32_t *category_columns, *category_starts, *category_lengths;
  tartine_bins bins;
} tartine_encoding;

// Image augmentation: the bounds of the random draws. Angles are in radians, lengths in pixels, except
// `shift`, which is a fraction, and pixel values from 0 to 1.
typedef struct {
  size_t height, width, channels;
  double scale;         // factor of a byte
  bool moves, colors;   // whether any geometric and any color operations are on
  double horizontal_flip, vertical_flip, crop, shift, rotation, log_zoom, shear, elastic, smoothness;
  double brightness, log_contrast, noise;
  double erasing, erased;
  tartine_stream stream;  // its step is the epoch
} tartine_augmentation;

// u = (z - center) * scale + shift, a = activation(u), then inverted dropout.
// Forward: z -> a. Backward: gradient (of a) -> gradient (of u), in place, with its column sums.
typedef struct {
  size_t rows, columns, stride;
  void *z;
  void *a;
  void *gradient;
  const void *center, *scale, *shift;  // one per column; center and scale are both NULL without a norm
  int activation;
  double slope;                 // of the leaky ReLU; the ELU's α
  uint8_t *mask;                // rows x columns, the same stride; NULL: no dropout
  uint32_t keep;                // a unit stays where its 16-bit field is below this
  size_t first_column;          // of this part in the layer, for the random field
  tartine_stream stream;
  void *gradient_sum;           // Σ gradient of u, one per column; where there is a shift
  void *gradient_product_sum;   // Σ gradient of u · normalized z, one per column; NULL without a norm
  const void *inverse_deviation;
} tartine_sweep;

// dz = γ/σ (du - mean(du) - ẑ mean(du·ẑ)), in place over du.
typedef struct {
  size_t rows, columns, stride;
  const void *z;
  void *gradient;
  const void *mean, *inverse_deviation, *gamma;
  const void *gradient_sum, *gradient_product_sum;
} tartine_norm_backward;

// Each of a row's `groups` runs of neighbours: y = γ (x - mean) / √(variance + ε) + β; without β, y = γ x / √(mean
// square + ε). Backward adds to the gradients of γ and β.
typedef struct {
  size_t rows, columns, groups;
  double epsilon;
  const void *x, *gamma, *beta;
  void *y;
  void *statistics;  // mean and inverse standard deviation: [rows, groups, 2]; from forward to backward
  const void *y_gradient;
  void *x_gradient;  // NULL where nothing below learns
  void *gamma_gradient, *beta_gradient;
} tartine_row_norm;

// One optimizer's sweep over a run of parameters: penalties, clip, moments, update.
typedef struct {
  size_t count;
  void *weights;
  const void *gradients;
  void *first;   // momentum, or the first moment
  void *second;  // the second moment
  void *third;   // AMSGrad's largest second moment so far, or RMSProp's momentum
  double gradient_scale;  // of clipping by norm, else 1
  double gradient_bound;  // of clipping by value, else infinite
  double l1, l2;          // gradient of the penalties
  double decay;           // learning rate · decoupled weight decay
  double rate;
  double keep1, gain1;    // first = keep1 · first + gain1 · g
  double keep2, gain2;    // second = keep2 · second + gain2 · g²
  double keep3, gain3;    // RMSProp's third = keep3 · third + gain3 · step
  double use_first, use_gradient;  // the step is use_first · first + use_gradient · g
  double correct2;        // second / (1 - β₂ᵗ), as a factor
  double epsilon, epsilon_inside;  // beside the root, and inside it
} tartine_update;

typedef struct {
  const char *name;  // of the instruction set

  void (*forward)(const tartine_sweep *);
  void (*backward)(const tartine_sweep *);

  // Batch mean and biased variance of each column, in two passes.
  void (*column_statistics)(const void *z, size_t rows, size_t columns, size_t stride, void *mean,
                            void *variance);
  // inverse = 1 / √(variance + ε), scale = γ · inverse.
  void (*norm_scale)(const void *variance, const void *gamma, double epsilon, size_t columns,
                     void *inverse, void *scale);
  // out = keep · out + gain · values.
  void (*blend)(void *out, const void *values, size_t count, double keep, double gain);
  void (*norm_backward)(const tartine_norm_backward *);

  void (*row_norm)(const tartine_row_norm *);
  void (*row_norm_backward)(const tartine_row_norm *);
  // u where u > 0, else slope · u, one slope per column. Backward adds to the slopes' gradients.
  void (*prelu)(const void *values, const void *slopes, size_t rows, size_t columns, void *out);
  void (*prelu_backward)(const void *values, const void *gradients, const void *slopes, size_t rows, size_t columns,
                         void *values_gradient, void *slopes_gradient);
  // cos and sin of 2π f x + b for each frequency f and phase b.
  void (*waves)(const void *frequencies, const void *phases, size_t count, double x, void *cosines, void *sines);

  // Σ x², accumulated in Double: non-finite where any element is (or its square overflows a Double).
  double (*sum_of_squares)(const void *x, size_t rows, size_t columns, size_t stride);

  void (*exponential)(void *logits, size_t count);
  // In place: logits -> the gradient of the mean loss over the batch; `losses` gets one Double per row. Rows
  // are weighted by their weights, if there are any.
  void (*softmax_loss)(const tartine_loss *, void *logits, const int32_t *labels, const void *weights, size_t rows,
                       size_t columns, double batch, double *losses);
  void (*sigmoid_loss)(const tartine_loss *, void *logits, const void *targets, const void *weights, size_t rows,
                       size_t columns, double batch, double *losses);
  void (*regression_loss)(const tartine_loss *, void *outputs, const void *targets, const void *weights, size_t rows,
                          size_t columns, double batch, double *losses);
  // In place: logits -> probabilities.
  void (*softmax)(void *logits, size_t rows, size_t columns);
  void (*sigmoid)(void *logits, size_t count);

  // Normal numbers with that standard deviation, computed in Float; `row` is the second word of the counter.
  void (*normals)(const tartine_stream *, uint32_t row, size_t count, double deviation, void *out);

  // rows[i] of the source -> row i of the result, converted to the table's scalar.
  void (*gather_floats)(const float *source, const int32_t *rows, size_t count, size_t columns, void *out);
  // With `ones`, [count, categories], the result still holds the rows whose ones it names, and those alone are cleared.
  void (*gather_encoded)(const float *source, const int32_t *rows, size_t count, const tartine_encoding *,
                         int32_t *ones, void *out);
  // Row i of the result += the rows of W that the places of row i name; below 0: none.
  void (*add_rows)(const int32_t *places, size_t rows, size_t count, size_t columns, const void *w, size_t stride_w,
                   void *out, size_t stride);
  // Row `place - first` of the result += row i of G, for each place of row i from `first` to below `end`.
  void (*scatter_rows)(const int32_t *places, size_t rows, size_t count, size_t columns, size_t first, size_t end,
                       const void *g, size_t stride_g, void *out, size_t stride);
  void (*gather_bytes)(const uint8_t *source, const int32_t *rows, size_t count, size_t columns,
                       double scale, void *out);
  // Gathers rows with augmentation of each image. `samples` select the random draws; `room` is scratch space
  // for one image.
  void (*augment)(const tartine_augmentation *, const uint8_t *source, const int32_t *rows, const int32_t *samples,
                  size_t count, float *room, void *out);

  void (*descend)(const tartine_update *);  // without a second moment
  void (*adapt)(const tartine_update *);    // divided by the root of the second moment
  void (*rmsprop)(const tartine_update *);  // as above, centered by the first or with the third as momentum
  void (*lion)(const tartine_update *);     // along signs
  // Scales down each column of the weights whose norm exceeds the bound.
  void (*limit_columns)(void *weights, size_t rows, size_t columns, size_t stride, double bound);

  // C = A' B' or C += A' B', m x n with sums over k; strides are those of the stored matrices.
  void (*product)(bool transposed_a, bool transposed_b, size_t m, size_t n, size_t k, const void *a,
                  size_t stride_a, const void *b, size_t stride_b, bool accumulate, void *c,
                  size_t stride_c);
} tartine_kernels;

// The number of floats of scratch space for images of this shape.
size_t tartine_augmentation_room(const tartine_augmentation *);

// The best table that the processor can run, or a lower one selected by the environment variable
// TARTINE_KERNELS: "baseline", "avx2" or "avx512".
const tartine_kernels *tartine_kernels_for(tartine_scalar scalar);
// The tables that this processor can run, best last; `at` below `tartine_kernels_count()`.
int tartine_kernels_count(void);
const tartine_kernels *tartine_kernels_at(int at, tartine_scalar scalar);

// Philox 4x32-10 (Salmon et al. 2011).
void tartine_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t result[4]);

// A team of threads that run the numbered parts of a task. The caller is worker 0.
typedef struct tartine_workers tartine_workers;
typedef void (*tartine_work)(void *context, int part, int worker);
tartine_workers *tartine_workers_create(int count);  // NULL where no thread can be started
void tartine_workers_run(tartine_workers *, int parts, tartine_work work, void *context);
void tartine_workers_destroy(tartine_workers *);
// The number of processors that this process may use, limited by a container's CPU quota.
int tartine_processor_count(void);
int64_t tartine_physical_memory(void);

// Zeroed memory in large pages, where the system supports them; NULL where it is out of memory.
void *tartine_memory_create(size_t bytes);
void tartine_memory_destroy(void *, size_t bytes);

// Flushes subnormal numbers to 0 on this thread from here on, which is many times faster on some processors.
// Returns the mode that `tartine_restore_denormals` restores.
uint64_t tartine_flush_denormals(void);
void tartine_restore_denormals(uint64_t before);

#endif
