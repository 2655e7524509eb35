/**
 * Generation of video from text. {@link io.lingen.TextToVideoPipeline} loads a model and generates videos:
 *
 * <pre>{@code
 * try (TextToVideoPipeline pipeline = TextToVideoPipeline.load("nano")) {
 *     VideoRequest request = VideoRequest.builder("a red circle moves to the right").seconds(4).build();
 *     pipeline.generate(request, Path.of("out.mp4"));
 * }
 * }</pre>
 *
 * <p>A {@link io.lingen.Generation} runs the steps one at a time, for progress, previews and cancellation.
 */
@NullMarked
package io.lingen;

import org.jspecify.annotations.NullMarked;
