package io.lingen.text;

import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.internal.SafeText;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A rewriter that replaces words by synonyms that a model was trained on, for example "sapphire" by "blue". Its file
 * (docs/checkpoint-format.md) lists trained phrases, and words with their replacements, the best replacement first.
 *
 * <p>The prompt is scanned from left to right. Trained phrases and their words are kept. A word that the file replaces gets the replacement
 * that forms the longest trained phrase with the words that follow: "revolves clockwise" becomes "orbits clockwise", but "revolves" alone
 * becomes "rotates". All other words, punctuation and spaces are kept. Capital letters are preserved, and a preceding "a" or "an" is adapted.
 *
 * <p>Immutable and thread-safe.
 */
public final class Thesaurus implements PromptRewriter {
    private static final long MAX_BYTES = 1 << 22;
    private static final int MAX_WORDS = 16;
    private static final Pattern WORD = Pattern.compile("\\p{L}+(?:'\\p{L}+)*");
    private static final Pattern PHRASE = Pattern.compile(WORD + "(?: " + WORD + ")*");
    private static final Pattern ARTICLE = Pattern.compile("(?<!\\p{L})([Aa])n? $");

    private final Set<String> trainedPhrases = new HashSet<>();
    private final Set<String> trainedWords = new HashSet<>();
    private final Set<String> replaceableWords = new HashSet<>();
    private final Map<String, List<String>> replacements = new HashMap<>();
    private int maxPhraseWords;

    private Thesaurus() {}

    /**
     * Reads the thesaurus of a model.
     *
     * @param source the model
     * @param path the path of the thesaurus within the model
     * @return the thesaurus
     * @throws CheckpointException if the file is missing, too large or malformed; the message contains the line
     */
    public static Thesaurus read(ModelSource source, String path) {
        return parse(source.name() + "/" + path, source.read(path, MAX_BYTES));
    }

    /**
     * Parses a thesaurus in UTF-8. A line is a trained phrase, or a word or phrase and its replacements, separated by tabs. Lines that begin
     * with '#' are comments.
     *
     * @param origin the name of the file, for messages
     * @throws CheckpointException if a line is malformed; the message contains the line
     */
    static Thesaurus parse(String origin, byte[] text) {
        Thesaurus thesaurus = new Thesaurus();
        String[] lines = decode(origin, text).split("\r?\n", -1);
        for (int i = 0; i < lines.length; i++) {
            if (!lines[i].isEmpty() && lines[i].charAt(0) != '#') {
                thesaurus.add(origin + ", line " + (i + 1), lines[i].split("\t", -1));
            }
        }
        return thesaurus;
    }

    private static String decode(String origin, byte[] text) {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(text))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new CheckpointException(origin + ": expected a thesaurus in UTF-8, found other bytes", e);
        }
    }

    private void add(String place, String[] phrases) {
        for (String phrase : phrases) {
            int length = phrase.split(" ", -1).length;
            if (length > MAX_WORDS
                    || !PHRASE.matcher(phrase).matches()
                    || !phrase.toLowerCase(Locale.ROOT).equals(phrase)) {
                throw new CheckpointException(place + ": expected phrases of 1 to " + MAX_WORDS
                        + " lower-case words, separated by tabs, found \"" + SafeText.of(phrase) + '"');
            }
            maxPhraseWords = Math.max(maxPhraseWords, length);
        }
        if (phrases.length == 1) {
            trainedPhrases.add(phrases[0]);
            trainedWords.addAll(Arrays.asList(phrases[0].split(" ")));
        } else if (replacements.put(phrases[0], List.of(phrases).subList(1, phrases.length)) != null) {
            throw new CheckpointException(
                    place + ": expected each word once, found \"" + SafeText.of(phrases[0]) + "\" again");
        } else {
            replaceableWords.addAll(Arrays.asList(phrases[0].split(" ")));
        }
    }

    /** {@return the number of words and phrases with replacements} */
    public int size() {
        return replacements.size();
    }

    /**
     * {@return the distinct words of a prompt that occur neither in a trained phrase nor in a phrase with replacements, in lower case and in
     * the order of the prompt}
     *
     * @param prompt the prompt
     */
    public List<String> unknownWords(String prompt) {
        return WORD.matcher(prompt)
                .results()
                .map(place -> place.group().toLowerCase(Locale.ROOT))
                .filter(word -> !trainedWords.contains(word) && !replaceableWords.contains(word))
                .distinct()
                .collect(Collectors.toList());
    }

    @Override
    public String rewrite(String prompt) {
        return new Rewriting(prompt).rewrite();
    }

    /** A replacement for a number of words. */
    private record Replacement(int length, String text) {}

    /** The rewriting of one prompt. */
    private final class Rewriting {
        private final String prompt;
        private final List<MatchResult> places;
        private final List<String> tokens = new ArrayList<>();

        Rewriting(String prompt) {
            this.prompt = prompt;
            this.places = WORD.matcher(prompt).results().collect(Collectors.toList());
            places.forEach(place -> tokens.add(place.group().toLowerCase(Locale.ROOT)));
        }

        String rewrite() {
            StringBuilder result = new StringBuilder();
            int copied = 0;
            int token = 0;
            while (token < tokens.size()) {
                int known = Math.max(matchLength(token, "", token), trainedWords.contains(tokens.get(token)) ? 1 : 0);
                Replacement better = replacement(token, known);
                if (better == null) {
                    token += Math.max(known, 1);
                    continue;
                }
                int begin = places.get(token).start();
                result.append(withArticle(prompt.substring(copied, begin), better.text()));
                result.append(
                        Character.isUpperCase(prompt.codePointAt(begin)) ? capitalised(better.text()) : better.text());
                token += better.length();
                copied = places.get(token - 1).end();
            }
            return result.append(prompt, copied, prompt.length()).toString();
        }

        /** The replacement at a word that gives a trained phrase of more than {@code known} words; null if there is none. */
        private @Nullable Replacement replacement(int start, int known) {
            Replacement best = null;
            int most = known;
            for (int end = start + 1; end <= Math.min(tokens.size(), start + maxPhraseWords); end++) {
                List<String> candidates =
                        isConnected(start, end) ? replacements.getOrDefault(joined(start, end), List.of()) : List.of();
                for (String candidate : candidates) {
                    int length = matchLength(start, candidate, end);
                    if (length > most) {
                        most = length;
                        best = new Replacement(length, phrase(candidate, joined(end, start + length)));
                    }
                }
            }
            return best;
        }

        /**
         * The number of words from {@code start} that give a trained phrase if {@code instead} replaces those before {@code next}; 0 if none
         * does.
         */
        private int matchLength(int start, String instead, int next) {
            for (int end = Math.min(tokens.size(), next + maxPhraseWords); end >= next; end--) {
                if (trainedPhrases.contains(phrase(instead, joined(next, end))) && isConnected(start, end)) {
                    return end - start;
                }
            }
            return 0;
        }

        /** Whether each of these words is separated from the next by exactly one space or hyphen. */
        private boolean isConnected(int start, int end) {
            for (int i = start + 1; i < end; i++) {
                int gap = places.get(i - 1).end();
                if (places.get(i).start() != gap + 1 || " -".indexOf(prompt.charAt(gap)) < 0) {
                    return false;
                }
            }
            return true;
        }

        private String joined(int start, int end) {
            return String.join(" ", tokens.subList(start, end));
        }
    }

    private static String phrase(String start, String end) {
        return start.isEmpty() || end.isEmpty() ? start + end : start + " " + end;
    }

    private static String withArticle(String before, String word) {
        return ARTICLE.matcher(before).replaceFirst("aeio".indexOf(word.charAt(0)) >= 0 ? "$1n " : "$1 ");
    }

    private static String capitalised(String text) {
        int first = Character.charCount(text.codePointAt(0));
        return text.substring(0, first).toUpperCase(Locale.ROOT) + text.substring(first);
    }
}
