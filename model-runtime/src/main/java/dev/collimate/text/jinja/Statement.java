package dev.collimate.text.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A statement of the template language. */
sealed interface Statement
    permits Statement.Text,
        Statement.Print,
        Statement.If,
        Statement.Set,
        Statement.SetBlock,
        Statement.FilterBlock,
        Statement.With,
        Statement.CallBlock,
        Statement.Define,
        Statement.Generation,
        Statement.Jump,
        ForLoop {

  /** How a statement ended: on to the next one, or out of the loop's round or the loop. */
  enum Flow {
    NEXT,
    CONTINUE,
    BREAK
  }

  Flow execute(Scope scope, Output out);

  /** Statements in a row. */
  record Block(List<Statement> statements) {
    Flow execute(Scope scope, Output out) {
      for (Statement statement : statements) {
        Flow flow = statement.execute(scope, out);
        if (flow != Flow.NEXT) {
          return flow;
        }
      }
      return Flow.NEXT;
    }

    /** What the statements write, as a text. */
    String text(Scope scope) {
      Output out = Output.kept();
      execute(scope, out);
      return out.toString();
    }
  }

  record Text(String text) implements Statement {
    @Override
    public Flow execute(Scope scope, Output out) {
      out.write(text);
      return Flow.NEXT;
    }
  }

  /** {@code {{ expression }}}. */
  record Print(Expression expression, int line) implements Statement {
    @Override
    public Flow execute(Scope scope, Output out) {
      scope.run().at(line);
      out.write(Values.text(expression.evaluate(scope)));
      return Flow.NEXT;
    }
  }

  /** The first branch whose test is true; an else is a branch whose test is a true constant. */
  record If(List<Branch> branches) implements Statement {

    record Branch(Expression test, Block body, int line) {}

    @Override
    public Flow execute(Scope scope, Output out) {
      for (Branch branch : branches) {
        scope.run().at(branch.line());
        if (Values.truth(branch.test().evaluate(scope))) {
          return branch.body().execute(scope, out);
        }
      }
      return Flow.NEXT;
    }
  }

  record Set(Target target, Expression value, int line) implements Statement {
    @Override
    public Flow execute(Scope scope, Output out) {
      scope.run().at(line);
      target.assign(value.evaluate(scope), scope);
      return Flow.NEXT;
    }
  }

  /** {@code {% set name | filters %}body{% endset %}}; the body stands for the filters' value. */
  record SetBlock(Target target, List<Expression.Filtered> filters, Block body, int line)
      implements Statement {
    @Override
    public Flow execute(Scope scope, Output out) {
      scope.run().at(line);
      String text = body.text(scope.inner());
      target.assign(filtered(text, filters, scope), scope);
      return Flow.NEXT;
    }
  }

  record FilterBlock(List<Expression.Filtered> filters, Block body, int line) implements Statement {
    @Override
    public Flow execute(Scope scope, Output out) {
      scope.run().at(line);
      out.write(Values.text(filtered(body.text(scope.inner()), filters, scope)));
      return Flow.NEXT;
    }
  }

  private static Object filtered(String text, List<Expression.Filtered> filters, Scope scope) {
    Object value = text;
    for (Expression.Filtered filter : filters) {
      value = Filters.apply(filter.name(), value, filter.arguments().evaluate(scope), scope.run());
    }
    return value;
  }

  record With(List<Target> targets, List<Expression> values, Block body, int line)
      implements Statement {
    @Override
    public Flow execute(Scope scope, Output out) {
      scope.run().at(line);
      Scope inner = scope.inner();
      List<Object> evaluated = new ArrayList<>();
      values.forEach(value -> evaluated.add(value.evaluate(scope)));
      for (int i = 0; i < targets.size(); i++) {
        targets.get(i).assign(evaluated.get(i), inner);
      }
      return body.execute(inner, out);
    }
  }

  /** {@code {% call(parameters) macro(arguments) %}body{% endcall %}}. */
  record CallBlock(Macro.Signature caller, Expression.Call call, Block body, int line)
      implements Statement {
    @Override
    public Flow execute(Scope scope, Output out) {
      scope.run().at(line);
      Arguments given = call.arguments().evaluate(scope);
      Map<String, Object> keywords = new LinkedHashMap<>(given.keywords());
      keywords.put("caller", new Macro(caller, body, scope));
      Object callee = call.function().evaluate(scope);
      out.write(
          Values.text(
              Expression.Call.call(callee, new Arguments(given.positional(), keywords), scope)));
      return Flow.NEXT;
    }
  }

  /** A macro's definition. */
  record Define(Macro.Signature signature, Block body) implements Statement {
    @Override
    public Flow execute(Scope scope, Output out) {
      scope.set(signature.name(), new Macro(signature, body, scope));
      return Flow.NEXT;
    }
  }

  /** {@code {% generation %}}: what the model is to write itself. */
  record Generation(Block body, int line) implements Statement {
    @Override
    public Flow execute(Scope scope, Output out) {
      scope.run().at(line);
      int from = out.position();
      Flow flow = body.execute(scope.inner(), out);
      out.markGenerated(from, scope.run());
      return flow;
    }
  }

  /** {@code break} or {@code continue}. */
  record Jump(Flow flow) implements Statement {
    @Override
    public Flow execute(Scope scope, Output out) {
      return flow;
    }
  }

  /** What a value can be assigned to: a name, a namespace's attribute, or several of them. */
  sealed interface Target {

    void assign(Object value, Scope scope);

    record ToName(String name) implements Target {
      @Override
      public void assign(Object value, Scope scope) {
        scope.set(name, value);
      }
    }

    record ToAttribute(String namespace, String name) implements Target {
      @Override
      public void assign(Object value, Scope scope) {
        if (!(scope.get(namespace) instanceof Namespace object)) {
          throw new TemplateException(
              "cannot set '%s.%s': only a namespace's attributes can be set"
                  .formatted(namespace, name));
        }
        object.set(name, value);
      }
    }

    record ToSeveral(List<Target> targets) implements Target {
      @Override
      public void assign(Object value, Scope scope) {
        List<Object> items = Values.list(value);
        if (items.size() != targets.size()) {
          throw new TemplateException(
              "%d values for %d names".formatted(items.size(), targets.size()));
        }
        for (int i = 0; i < items.size(); i++) {
          targets.get(i).assign(items.get(i), scope);
        }
      }
    }
  }
}
