/**
 * What text encoders have in common: the cleaning of prompts, networks whose layers are streamed from their file, and the cache of encoded
 * prompts.
 */
@NullMarked
package io.lingen.internal.text;

import org.jspecify.annotations.NullMarked;
