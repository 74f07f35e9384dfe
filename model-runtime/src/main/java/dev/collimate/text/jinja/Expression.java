package dev.collimate.text.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** An expression of the template language. */
sealed interface Expression {

  Object evaluate(Scope scope);

  /** A literal. */
  record Constant(Object value) implements Expression {
    static final Constant NONE = new Constant(null);

    @Override
    public Object evaluate(Scope scope) {
      return value;
    }
  }

  record Name(String name) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      scope.run().charge(1);
      return scope.get(name);
    }
  }

  record ListLiteral(List<Expression> items) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      return evaluateAll(items, scope);
    }
  }

  record TupleLiteral(List<Expression> items) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      return new Tuple(evaluateAll(items, scope));
    }
  }

  record DictLiteral(List<Expression> keys, List<Expression> values) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      Map<Object, Object> entries = new LinkedHashMap<>();
      for (int i = 0; i < keys.size(); i++) {
        entries.put(keys.get(i).evaluate(scope), values.get(i).evaluate(scope));
      }
      return entries;
    }
  }

  /** {@code target.name}. */
  record Attribute(Expression target, String name) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      return Access.attribute(target.evaluate(scope), name);
    }
  }

  /** {@code target[key]}. */
  record Item(Expression target, Expression key) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      return Access.item(target.evaluate(scope), key.evaluate(scope));
    }
  }

  /** {@code target[from:to:step]}. */
  record Slice(Expression target, Expression from, Expression to, Expression step)
      implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      Object sliced =
          Access.slice(
              target.evaluate(scope),
              from.evaluate(scope),
              to.evaluate(scope),
              step.evaluate(scope));
      scope.run().chargeSize(sliced);
      return sliced;
    }
  }

  record Call(Expression function, CallArguments arguments) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      Object callee = function.evaluate(scope);
      return call(callee, arguments.evaluate(scope), scope);
    }

    /** Calls a value with arguments at hand. */
    static Object call(Object callee, Arguments arguments, Scope scope) {
      if (callee instanceof Undefined undefined) {
        throw undefined.failure();
      } else if (!(callee instanceof Callable callable)) {
        throw new TemplateException(
            "'%s' object is not callable".formatted(Values.typeName(callee)));
      } else {
        scope.run().charge(1);
        Object result = callable.call(arguments);
        scope.run().chargeSize(result);
        return result;
      }
    }
  }

  /** {@code value | name(arguments)}. */
  record Filtered(Expression value, String name, CallArguments arguments) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      return Filters.apply(name, value.evaluate(scope), arguments.evaluate(scope), scope.run());
    }
  }

  /** {@code value is name(arguments)}. */
  record Tested(Expression value, String name, CallArguments arguments) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      return Tests.apply(name, value.evaluate(scope), arguments.evaluate(scope));
    }
  }

  record Negated(Expression value) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      return Arithmetic.negate(value.evaluate(scope));
    }
  }

  record Not(Expression value) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      return !Values.truth(value.evaluate(scope));
    }
  }

  record Calculation(Arithmetic operator, Expression left, Expression right) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      Object result = operator.apply(left.evaluate(scope), right.evaluate(scope));
      scope.run().chargeSize(result);
      return result;
    }
  }

  /** {@code a ~ b ~ c}: the texts in a row. */
  record Concatenation(List<Expression> parts) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      StringBuilder text = new StringBuilder();
      for (Expression part : parts) {
        text.append(Values.text(part.evaluate(scope)));
        PythonText.checkLength(text.length());
      }
      String result = text.toString();
      scope.run().chargeSize(result);
      return result;
    }
  }

  record And(Expression left, Expression right) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      Object value = left.evaluate(scope);
      return Values.truth(value) ? right.evaluate(scope) : value;
    }
  }

  record Or(Expression left, Expression right) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      Object value = left.evaluate(scope);
      return Values.truth(value) ? value : right.evaluate(scope);
    }
  }

  /** {@code a < b <= c}: every neighbouring pair must hold. */
  record Comparison(Expression first, List<Operand> operands) implements Expression {

    /** An operator with its right side. */
    record Operand(Relation operator, Expression right) {}

    @Override
    public Object evaluate(Scope scope) {
      Object left = first.evaluate(scope);
      for (Operand operand : operands) {
        Object right = operand.right().evaluate(scope);
        if (!operand.operator().holds(left, right)) {
          return false;
        }
        left = right;
      }
      return true;
    }
  }

  /** {@code then if test else otherwise}; undefined where there is no {@code otherwise}. */
  record Conditional(Expression test, Expression then, Optional<Expression> otherwise)
      implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      if (Values.truth(test.evaluate(scope))) {
        return then.evaluate(scope);
      }
      return otherwise.isPresent()
          ? otherwise.get().evaluate(scope)
          : new Undefined("the inline if-expression was false and has no else");
    }
  }

  /** The arguments of a call as written; {@code *} and {@code **} arguments where present. */
  record CallArguments(
      List<Expression> positional,
      Map<String, Expression> keywords,
      Optional<Expression> star,
      Optional<Expression> doubleStar) {

    static final CallArguments NONE =
        new CallArguments(List.of(), Map.of(), Optional.empty(), Optional.empty());

    Arguments evaluate(Scope scope) {
      if (positional.isEmpty() && keywords.isEmpty() && star.isEmpty() && doubleStar.isEmpty()) {
        return Arguments.NONE;
      }
      List<Object> values = evaluateAll(positional, scope);
      star.ifPresent(list -> values.addAll(Values.list(list.evaluate(scope))));
      Map<String, Object> named = new LinkedHashMap<>();
      keywords.forEach((name, value) -> named.put(name, value.evaluate(scope)));
      doubleStar.ifPresent(
          dict -> {
            if (!(dict.evaluate(scope) instanceof Map<?, ?> map)) {
              throw new TemplateException("the argument after ** must be a dict");
            }
            map.forEach((name, value) -> named.put(Values.string(name, "**"), value));
          });
      return new Arguments(values, named);
    }
  }

  private static List<Object> evaluateAll(List<Expression> expressions, Scope scope) {
    List<Object> values = new ArrayList<>(expressions.size());
    for (Expression expression : expressions) {
      values.add(expression.evaluate(scope));
    }
    return values;
  }
}
