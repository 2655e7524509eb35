package io.lingen.cli;

import java.io.IOException;

/** Requests that are read one by one, and as often as they are needed. */
interface PromptLines {
    /** Sees a line's request, or what is wrong with it. */
    interface LineAction {
        void accept(PromptLine line) throws IOException;
    }

    /**
     * Reads all lines.
     *
     * @throws IOException if they can't be read, or from the action
     */
    void forEach(LineAction action) throws IOException;
}
