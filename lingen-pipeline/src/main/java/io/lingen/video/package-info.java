/** Frames on their way to a file: {@link io.lingen.video.Mp4Writer} for H.264, {@link io.lingen.video.PngWriter} for single pictures. */
@NullMarked
package io.lingen.video;

import org.jspecify.annotations.NullMarked;
