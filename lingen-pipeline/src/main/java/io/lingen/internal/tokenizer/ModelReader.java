package io.lingen.internal.tokenizer;

import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ConfigReader;

/** Reader of the model of a tokenizer.json. */
final class ModelReader {
    private final ConfigReader json;
    private final TokenizerFile file;

    private ModelReader(TokenizerFile file) {
        this.file = file;
        this.json = file.settings().object("model");
    }

    /**
     * Reads a model.
     *
     * @throws CheckpointException if it is malformed or of an unknown type
     */
    static TokenModel read(TokenizerFile file) {
        ModelReader reader = new ModelReader(file);
        String type = reader.json.text("type");
        return switch (type) {
            case "BPE" -> reader.bpe();
            case "Unigram" -> reader.unigram();
            case "WordPiece" -> reader.wordPiece();
            default -> throw reader.json.error("type", type, "one of BPE, Unigram, WordPiece");
        };
    }

    private TokenModel wordPiece() {
        Vocabulary vocabulary = file.vocabulary().require(VocabularyTable.Form.IDS);
        return new WordPieceModel(
                vocabulary,
                idOf(vocabulary, "unk_token"),
                json.text("continuing_subword_prefix"),
                json.integer("max_input_chars_per_word", 0, Integer.MAX_VALUE));
    }

    private TokenModel unigram() {
        Vocabulary vocabulary = file.vocabulary().require(VocabularyTable.Form.SCORES);
        if (vocabulary.size() == 0) {
            throw json.error("vocab", "no tokens", "at least one");
        }
        int unknown = json.integer("unk_id", 0, vocabulary.size() - 1);
        TokenTrie trie = vocabulary.trie();
        ByteTokens bytes = json.flagOr("byte_fallback", false) ? new ByteTokens(trie) : null;
        return new UnigramModel(trie, file.vocabulary().scores(), unknown, bytes);
    }

    private TokenModel bpe() {
        Vocabulary vocabulary = file.vocabulary().require(VocabularyTable.Form.IDS);
        if (json.numberOr("dropout", 0, 0, 1) != 0) {
            throw json.error("dropout", json.number("dropout", 0, 1), "0 or null, so that token ids are not random");
        }
        TokenTrie trie = vocabulary.trie();
        BpeModel.Options options = new BpeModel.Options(
                json.has("unk_token") ? idOf(vocabulary, "unk_token") : TokenTrie.NONE,
                json.textOr("continuing_subword_prefix", ""),
                json.textOr("end_of_word_suffix", ""),
                json.flagOr("fuse_unk", false),
                json.flagOr("byte_fallback", false) ? new ByteTokens(trie) : null,
                json.flagOr("ignore_merges", false));
        return new BpeModel(vocabulary, file.merges().resolve(trie, options.prefix()), options);
    }

    private int idOf(Vocabulary vocabulary, String field) {
        String token = json.text(field);
        int id = vocabulary.trie().id(token);
        if (id == TokenTrie.NONE) {
            throw json.error(field, token, "a token of model.vocab");
        }
        return id;
    }
}
