// Augmentation of images while they are gathered into a batch.

// The cubic B-spline's weights of four neighbours, at fraction t of the way from the second to the third.
INLINE void NAME(spline)(float t, float weights[4]) {
  const float t2 = t * t, t3 = t2 * t, s = 1 - t;
  weights[0] = s * s * s / 6;
  weights[1] = (3 * t3 - 6 * t2 + 4) / 6;
  weights[2] = (3 * (t + t2 - t3) + 1) / 6;
  weights[3] = t3 / 6;
}

// Displacements of every column at each control row, rows x width: the first half of the smooth field, along
// x.
static void NAME(bend_columns)(const float *grid, size_t rows, size_t columns, size_t width, float spacing, float *out) {
  EACH(x, width) {
    const float place = (float)x / spacing;
    const size_t first = (size_t)place;
    float weights[4];
    NAME(spline)(place - (float)first, weights);
    EACH(r, rows) {
      const float *near = grid + r * columns + first;
      out[r * width + x] = weights[0] * near[0] + weights[1] * near[1] + weights[2] * near[2] + weights[3] * near[3];
    }
  }
}

// out(x, y) = image at (base + (x, y) · matrix + displacement), with bilinear interpolation and edge padding.
INLINE void NAME(resample_row)(const float *image, size_t height, size_t width, size_t channels, float x0, float y0,
                               float step_x, float step_y, const float *bend_x, const float *bend_y, REAL *out) {
  const float last_x = (float)(width - 1), last_y = (float)(height - 1);
  EACH(c, channels) {
#pragma clang loop vectorize(assume_safety)
    for (int32_t x = 0; x < (int32_t)width; x++) {
      float px = x0 + step_x * (float)x + (bend_x ? bend_x[x] : 0);
      float py = y0 + step_y * (float)x + (bend_y ? bend_y[x] : 0);
      px = px < 0 ? 0 : px > last_x ? last_x : px;
      py = py < 0 ? 0 : py > last_y ? last_y : py;
      const int32_t left = (int32_t)px, top = (int32_t)py;
      const int32_t right = left + (left < (int32_t)width - 1), below = top + (top < (int32_t)height - 1);
      const float u = px - (float)left, v = py - (float)top;
      const int32_t d = (int32_t)channels, w = (int32_t)width * d, at = (int32_t)c;
      const float a = image[top * w + left * d + at], b = image[top * w + right * d + at];
      const float e = image[below * w + left * d + at], f = image[below * w + right * d + at];
      const float upper = a + u * (b - a), lower = e + u * (f - e);
      out[(size_t)x * channels + c] = (REAL)(upper + v * (lower - upper));
    }
  }
}

// The random draws of one image: uniform in [0, 1], and in [-1, 1].
#define DRAW(n) ((float)words[(n) % 4][(n) / 4] * 0x1p-32f)
#define AROUND(n) (2 * DRAW(n) - 1)

static void NAME(move_image)(const tartine_augmentation *a, const uint32_t words[4][GROUPS * LANES],
                             uint32_t sample, const float *image, float *scratch, REAL *out) {
  const size_t height = a->height, width = a->width;
  const float turn = AROUND(2) * (float)a->rotation, skew = AROUND(3) * (float)a->shear;
  const float size = __builtin_expf(AROUND(4) * (float)a->log_zoom);
  const float flip_x = DRAW(0) < (float)a->horizontal_flip ? -1 : 1;
  const float flip_y = DRAW(1) < (float)a->vertical_flip ? -1 : 1;
  const float cosine = __builtin_cosf(turn) / size, sine = __builtin_sinf(turn) / size;
  const float xx = cosine * flip_x, xy = (cosine * skew - sine) * flip_y;
  const float yx = sine * flip_x, yy = (sine * skew + cosine) * flip_y;
  const float center_x = (float)(width - 1) / 2, center_y = (float)(height - 1) / 2;
  const float whole = (float)(2 * a->crop + 1);
  float shift_x = AROUND(5) * (float)a->shift * (float)width, shift_y = AROUND(6) * (float)a->shift * (float)height;
  if (a->crop > 0) {
    const float most = (float)a->crop, over_x = (float)(int)(DRAW(7) * whole), over_y = (float)(int)(DRAW(8) * whole);
    shift_x += (over_x > 2 * most ? 2 * most : over_x) - most;
    shift_y += (over_y > 2 * most ? 2 * most : over_y) - most;
  }
  float *columns_x = NULL, *columns_y = NULL, *bend_x = NULL, *bend_y = NULL;
  const float spacing = (float)a->smoothness;
  const size_t rows = (size_t)((float)height / spacing) + 4, columns = (size_t)((float)width / spacing) + 4;
  if (a->elastic > 0) {
    float *grid = scratch;
    columns_x = grid + 2 * rows * columns;
    columns_y = columns_x + rows * width;
    bend_x = columns_y + rows * width;
    bend_y = bend_x + width;
    tartine_stream stream = a->stream;
    stream.purpose += 1 << 8;
    // The spline reduces the control points' standard deviation to 0.479 of itself.
    const float deviation = (float)a->elastic / 0.479f;
    NAME(float_normals)(&stream, sample, 2 * rows * columns, deviation, grid);
    NAME(bend_columns)(grid, rows, columns, width, spacing, columns_x);
    NAME(bend_columns)(grid + rows * columns, rows, columns, width, spacing, columns_y);
  }
  EACH(y, height) {
    const float v = (float)y - center_y;
    const float x0 = center_x + shift_x - xx * center_x + xy * v, y0 = center_y + shift_y - yx * center_x + yy * v;
    if (bend_x) {
      const float place = (float)y / spacing;
      const size_t first = (size_t)place;
      float weights[4];
      NAME(spline)(place - (float)first, weights);
      const float *above_x = columns_x + first * width, *above_y = columns_y + first * width;
      EACH(x, width) {
        bend_x[x] = weights[0] * above_x[x] + weights[1] * above_x[width + x] + weights[2] * above_x[2 * width + x] +
                    weights[3] * above_x[3 * width + x];
        bend_y[x] = weights[0] * above_y[x] + weights[1] * above_y[width + x] + weights[2] * above_y[2 * width + x] +
                    weights[3] * above_y[3 * width + x];
      }
      NAME(resample_row)(image, height, width, a->channels, x0, y0, xx, yx, bend_x, bend_y,
                         out + y * width * a->channels);
    } else {
      NAME(resample_row)(image, height, width, a->channels, x0, y0, xx, yx, NULL, NULL, out + y * width * a->channels);
    }
  }
}

static void NAME(color_image)(const tartine_augmentation *a, const uint32_t words[4][GROUPS * LANES],
                              uint32_t sample, size_t count, float *scratch, REAL *out) {
  const REAL factor = (REAL)__builtin_expf(AROUND(9) * (float)a->log_contrast);
  const REAL brighter = (REAL)(AROUND(10) * (float)a->brightness);
  REAL mean = 0;
  if (a->log_contrast > 0) EACH(i, count) mean += out[i];
  mean /= (REAL)count;
  if (a->noise > 0) {
    tartine_stream stream = a->stream;
    stream.purpose += 2 << 8;
    NAME(float_normals)(&stream, sample, count, (float)a->noise, scratch);
    EACH(i, count) out[i] += (REAL)scratch[i];
  }
  EACH(i, count) {
    const REAL value = (out[i] - mean) * factor + mean + brighter;
    out[i] = value < 0 ? 0 : value > 1 ? 1 : value;
  }
}

static void NAME(erase_image)(const tartine_augmentation *a, const uint32_t words[4][GROUPS * LANES], REAL *out) {
  if (DRAW(11) >= (float)a->erasing) return;
  const float height = (float)a->height, width = (float)a->width;
  // From 0.02 of the image to the largest fraction, with an aspect ratio from 3/10 to 10/3.
  const float area = (0.02f + DRAW(12) * ((float)a->erased - 0.02f)) * height * width;
  const float aspect = __builtin_expf(AROUND(13) * 1.2039728f);
  const float high = __builtin_sqrtf(area * aspect), wide = __builtin_sqrtf(area / aspect);
  const size_t rows = high < height ? (size_t)high : a->height, columns = wide < width ? (size_t)wide : a->width;
  const size_t top = (size_t)(DRAW(14) * (float)(a->height - rows)), left = (size_t)(DRAW(15) * (float)(a->width - columns));
  const REAL value = (REAL)DRAW(16);
  EACH(y, rows) EACH(x, columns * a->channels)
    out[((top + y) * a->width + left) * a->channels + x] = value;
}

static void NAME(augment)(const tartine_augmentation *a, const uint8_t *source, const int32_t *rows,
                          const int32_t *samples, size_t count, float *scratch, void *out) {
  const size_t size = a->height * a->width * a->channels;
  const float scale = (float)a->scale;
  EACH(i, count) {
    uint32_t words[4][GROUPS * LANES];
    const uint32_t sample = (uint32_t)samples[i];
    NAME(random_words)(&a->stream, 0, sample, true, words);
    const uint8_t *from = source + (size_t)rows[i] * size;
    REAL *to = (REAL *)out + i * size;
    if (a->moves) {
      EACH(p, size) scratch[p] = (float)from[p] * scale;
      NAME(move_image)(a, words, sample, scratch, scratch + size, to);
    } else {
      EACH(p, size) to[p] = (REAL)((float)from[p] * scale);
    }
    if (a->colors) NAME(color_image)(a, words, sample, size, scratch, to);
    if (a->erasing > 0) NAME(erase_image)(a, words, to);
  }
}
#undef DRAW
#undef AROUND
