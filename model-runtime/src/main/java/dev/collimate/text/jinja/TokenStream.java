package dev.collimate.text.jinja;

import dev.collimate.text.jinja.Token.Kind;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** The tokens of a template, with the one that is read next. */
final class TokenStream {

  private final List<Token> tokens;
  private int position;

  TokenStream(List<Token> tokens) {
    this.tokens = tokens;
  }

  Token current() {
    return tokens.get(position);
  }

  /** The token after the current one. */
  Token following() {
    return tokens.get(Math.min(position + 1, tokens.size() - 1));
  }

  Token next() {
    Token token = current();
    if (token.kind() != Kind.END) {
      position++;
    }
    return token;
  }

  boolean is(Kind kind) {
    return current().kind() == kind;
  }

  boolean skipName(String name) {
    return skip(current().isName(name));
  }

  boolean skipOperator(String operator) {
    return skip(current().isOperator(operator));
  }

  int position() {
    return position;
  }

  /** The names that were read from a position on. */
  Set<String> namesSince(int from) {
    return tokens.subList(from, position).stream()
        .filter(token -> token.kind() == Kind.NAME)
        .map(Token::text)
        .collect(Collectors.toUnmodifiableSet());
  }

  private boolean skip(boolean matches) {
    if (matches) {
      position++;
    }
    return matches;
  }

  Token expect(Kind kind, String wanted) {
    if (!is(kind)) {
      throw unexpected(wanted);
    }
    return next();
  }

  void expectOperator(String operator) {
    if (!skipOperator(operator)) {
      throw unexpected("'" + operator + "'");
    }
  }

  TemplateException unexpected(String wanted) {
    return TemplateException.at(
        current().line(), "expected %s, got %s".formatted(wanted, current().describe()));
  }
}
