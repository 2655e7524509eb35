package io.lingen.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.lingen.TextToVideoPipeline;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.spi.ModelFamilies;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ThesaurusTest {
    private static final String SMALL = "# what is shown\norbits clockwise\nrotates\nblue\ncircle\norange\nsky\n"
            + "# and what is not\nrevolves\trotates\torbits\nsapphire\tblue\norb\tcircle\n"
            + "tangerine\torange\nsky blue\tblue\n\n";

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "It revolves clockwise. | It orbits clockwise.",
                "it revolves, clockwise | it rotates, clockwise",
                "it revolves  clockwise | it rotates  clockwise",
                "A sapphire orb (revolves)! | A blue circle (rotates)!",
                "an orb | a circle",
                "a tangerine orb | an orange circle",
                "Tangerine orb. | Orange circle.",
                "a sky-blue orb | a blue circle",
                "a blue sky | a blue sky",
                "a cat's orbit | a cat's orbit",
                "größer, 17 orbs \uD83D\uDE00 | größer, 17 orbs \uD83D\uDE00",
            })
    void wordsAreReplacedByTrainedWords(String prompt, String expected) {
        assertEquals(expected, parse(SMALL).rewrite(prompt));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "17", "...", "orbits clockwise"})
    void otherTextIsUnchanged(String prompt) {
        assertEquals(prompt, parse(SMALL).rewrite(prompt));
        assertEquals(prompt, parse("").rewrite(prompt));
    }

    @Test
    void windowsLineEndsAreAccepted() {
        assertEquals("blue", parse(SMALL.replace("\n", "\r\n")).rewrite("sapphire"));
        assertEquals(5, parse(SMALL).size());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Blue",
                "a  b",
                " blue",
                "blue\t",
                "\tblue",
                "x1",
                "a b c d e f g h i j k l m n o p q",
                "sapphire\tb\nsapphire\tc"
            })
    void malformedLinesAreNamed(String lines) {
        CheckpointException error = assertThrows(CheckpointException.class, () -> parse("blue\n" + lines));
        assertTrue(error.getMessage().matches("test, line [23]: .*"), error.getMessage());
    }

    @Test
    void otherEncodingsAreRejected() {
        byte[] latin = "blau\tgr\u00fcn".getBytes(StandardCharsets.ISO_8859_1);
        CheckpointException error = assertThrows(CheckpointException.class, () -> Thesaurus.parse("test", latin));
        assertTrue(error.getMessage().contains("UTF-8"), error.getMessage());
    }

    @Test
    void unknownWordsAreListedOnce() {
        assertEquals(
                List.of("zebra", "quickly"),
                parse("blue circle\norbits\nsapphire\tblue\nlapis lazuli\tblue\n")
                        .unknownWords("Sapphire CIRCLE, zebra orbits quickly: lapis zebra"));
        assertEquals(List.of(), parse("").unknownWords(" ,."));
    }

    @Test
    void longPromptsTakeLinearTime() {
        String prompt = "a sapphire orb revolves clockwise ".repeat(20_000);
        String expected = "a blue circle orbits clockwise ".repeat(20_000);
        assertEquals(expected, parse(SMALL).rewrite(prompt));
    }

    /** The thesaurus of the embedded model: rewrites like the program that made it, and does not change rewritten prompts. */
    @Test
    void thesaurusOfNanoMatchesItsTrainingProgram() throws IOException {
        PromptRewriter thesaurus;
        try (ModelSource source = TextToVideoPipeline.source(TextToVideoPipeline.NANO)) {
            thesaurus = ModelFamilies.open(source).rewriter();
        }
        List<JsonNode> rows = examples();
        assertEquals(120, rows.size());
        for (JsonNode row : rows) {
            String expected = row.get("rewritten").asText();
            assertEquals(expected, thesaurus.rewrite(row.get("prompt").asText()));
            assertEquals(expected, thesaurus.rewrite(expected));
        }
    }

    private static List<JsonNode> examples() throws IOException {
        try (InputStream stream = ThesaurusTest.class.getResourceAsStream("thesaurus-examples.jsonl")) {
            ObjectMapper mapper = new ObjectMapper();
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .map(line -> {
                        try {
                            return mapper.readTree(line);
                        } catch (IOException e) {
                            throw new IllegalStateException(e);
                        }
                    })
                    .collect(Collectors.toList());
        }
    }

    private static Thesaurus parse(String text) {
        return Thesaurus.parse("test", text.getBytes(StandardCharsets.UTF_8));
    }
}
