/** Text before and after its encoder: the cleaning of prompts, and files of encoded prompts. */
@NullMarked
package io.lingen.internal.text;

import org.jspecify.annotations.NullMarked;
