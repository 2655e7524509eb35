/**
 * A second family of models, unlike LinGen's in all that a family may choose: it predicts noise, makes 1 + 4k frames, takes a class label or
 * a prompt, keeps state between steps and has a text encoder of its own. Random weights of a few kilobytes. No class outside of this package
 * knows it but the tests.
 */
@NullMarked
package io.lingen.toy;

import org.jspecify.annotations.NullMarked;
