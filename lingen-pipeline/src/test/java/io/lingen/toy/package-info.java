/**
 * A second model family that differs from LinGen in everything a family can choose: it predicts noise, generates 1 + 4k frames, accepts a class
 * label or a prompt, keeps state between steps, and has its own text encoder. Its weights are random and take a few kilobytes. Only tests
 * depend on it.
 */
@NullMarked
package io.lingen.toy;

import org.jspecify.annotations.NullMarked;
