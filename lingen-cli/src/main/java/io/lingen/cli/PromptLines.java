package io.lingen.cli;

import java.io.IOException;

/** A source of requests that are read one at a time, and can be read repeatedly. */
interface PromptLines {
    /** An action on the request of a line, or on its problem. */
    interface LineAction {
        void accept(PromptLine line) throws IOException;
    }

    /**
     * Reads all lines.
     *
     * @throws IOException if they can't be read, or from the action
     */
    void forEach(LineAction action) throws IOException;

    /** These lines, each repeated {@code count} times with consecutive seeds. */
    default PromptLines withSeeds(int count) {
        return action -> forEach(line -> {
            for (int i = 0; i < count; i++) {
                action.accept(line.withSeedPlus(i));
            }
        });
    }
}
