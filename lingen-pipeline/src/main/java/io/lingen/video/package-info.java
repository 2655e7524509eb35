/**
 * Video files. {@link io.lingen.video.VideoWriters} opens a {@link io.lingen.video.VideoWriter} for MP4, WebM, animated WebP, animated GIF
 * or a folder of PNG frames, and reads the comment of a video. Sound and transparency are not supported.
 */
@NullMarked
package io.lingen.video;

import org.jspecify.annotations.NullMarked;
