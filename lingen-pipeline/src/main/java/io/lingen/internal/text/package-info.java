/** The cleaning of prompts before a text encoder, and the cache of encoded prompts. */
@NullMarked
package io.lingen.internal.text;

import org.jspecify.annotations.NullMarked;
