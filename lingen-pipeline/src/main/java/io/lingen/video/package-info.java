/**
 * Frames on their way to a file: {@link io.lingen.video.VideoWriters} opens a {@link io.lingen.video.VideoWriter} for MP4, WebM, animated
 * WebP, animated GIF or a folder of PNG frames, and reads back what a file says about itself. No sound, no transparency.
 */
@NullMarked
package io.lingen.video;

import org.jspecify.annotations.NullMarked;
