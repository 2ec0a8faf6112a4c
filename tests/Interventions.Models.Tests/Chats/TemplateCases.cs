namespace Interventions.Models.Tests.Chats;

/// <summary>Templates and what Jinja 3.1, set as transformers sets it, makes of them.</summary>
internal static class TemplateCases
{
    /// <summary>The chat of all cases.</summary>
    public static ChatMessage[] Messages => [("system", "Be brief."), ("user", "  Hello [there] "), ("assistant", "Hi!")];

    /// <summary>The variables of all cases.</summary>
    public static Dictionary<string, object?> Variables => new()
    {
        ["n"] = 7,
        ["names"] = new[] { "b", "A", "c" },
        ["map"] = new Dictionary<string, object?> { ["x"] = 1, ["Y"] = new object?[] { 1, 2.5, null, true, "t\n" }, ["items2"] = "i" },
        ["s"] = " a b  c ",
        ["nothing"] = null,
        ["emoji"] = "a😀é",
    };

    public static TheoryData<string, string> All => new()
    {
        // Text, comments, raw text.
        { "", "" },
        { "plain\n", "plain" },
        { "a\r\nb\n\n", "a\nb\n" },
        { "a{# {{ no }} #}b", "ab" },
        { "{% raw %}{{ n }}{% endraw %}", "{{ n }}" },
        { "{{ '{{' }}{{ \"}}\" }}", "{{}}" },
        { "{ n }{n}", "{ n }{n}" },
        { "{%- raw -%}  {{ n }} {%- endraw -%}  x", "{{ n }}x" },
        // White space around tags.
        { "a\n{% if n %}\nb\n{% endif %}\nc", "a\nb\nc" },
        { "a\n  {% if n %}\n  b\n  {% endif %}\nc", "a\n  b\nc" },
        { "a\n  {%+ if n %}\n  b\n  {% endif +%}\nc", "a\n    b\n\nc" },
        { "a  {%- if n -%}  b  {%- endif -%}  c", "abc" },
        { "a\n  {{ n }}\n  b", "a\n  7\n  b" },
        { "a \n {{- n -}} \n b", "a7b" },
        { "  {% if n %}x{% endif %}  \n", "x  " },
        { "a {% if n %}x{% endif %} b", "a x b" },
        { "{% if n %}\n\n{% endif %}x", "\nx" },
        { "{% if n %}  \n  {% set x = 1 %}\n  {{ x }}{% endif %}", "  \n  1" },
        { "a\n  {# note #}\nb\n  {#- note -#}\nc", "a\nbc" },
        { "{% set x = 1 -%}\n\n  y{{ x }}", "y1" },
        { "x\n\t{% set y = 1 %}\nz", "x\nz" },
        // Values as text.
        { "{{ n }} {{ 1.5 }} {{ 2.0 }} {{ true }} {{ none }} {{ 'x' }} {{ missing }}|", "7 1.5 2.0 True None x |" },
        { "{{ map }}", "{'x': 1, 'Y': [1, 2.5, None, True, 't\\n'], 'items2': 'i'}" },
        { "{{ [\"it's\", 'a\"b', 'it\\'s \"x\"'] }}", "[\"it's\", 'a\"b', 'it\\'s \"x\"']" },
        { "{{ 1e3 }} {{ 1.5e-7 }} {{ 1_000 }} {{ 1e22 }} {{ 123456789012345680.0 }}", "1000.0 1.5e-07 1000 1e+22 1.2345678901234568e+17" },
        { "{{ 'a' 'b' \"c\" }}", "abc" },
        { "{{ 'tab\\tline\\nquote\\'\\\\\\x41\\u00e9\\q' }}", "tab\tline\nquote'\\Aé\\q" },
        // Arithmetic and joining.
        { "{{ 1 + 2 * 3 - 4 }} {{ 7 // 2 }} {{ -7 // 2 }} {{ 7 % 3 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 2 ** 3 ** 2 }}", "3 3 -4 1 2 3.5 64" },
        { "{{ -n }} {{ +n }} {{ -2 ** 2 }} {{ 2.5 // 1 }} {{ 7.5 % 2 }}", "-7 7 4 2.0 1.5" },
        { "{{ 'a' + 'b' ~ 1 ~ none ~ missing }} {{ 'ab' * 3 }} {{ [1] + [2] }} {{ [0] * 2 }}", "ab1None ababab [1, 2] [0, 0]" },
        { "{{ 1 ~ 2 * 3 }} {{ [(1,), (1, 2)] }}", "16 [(1,), (1, 2)]" },
        // Comparisons and logic.
        { "{{ 1 < 2 }} {{ 1 < 2 < 2 }} {{ 'a' < 'b' }} {{ 1 == 1.0 }} {{ 1 == true }} {{ '1' == 1 }}", "True False True True True False" },
        { "{{ [1, 'a'] == [1, 'a'] }} {{ {'a': 1} == {'a': 1.0} }} {{ none == missing }} {{ missing == gone }}", "True True False True" },
        { "{{ 'x' in map }} {{ 'ell' in 'hello' }} {{ 2 in [1, 2] }} {{ 3 not in [1, 2] }} {{ 'q' in missing }}", "True True True True False" },
        { "{{ 1 and 0 or 'z' }} {{ not n }} {{ '' or [] or none }} {{ 0 and missing.x }}", "z False None 0" },
        { "{{ not 1 == 2 }} {{ (1, 2)[1] }} {{ () }}", "True 2 ()" },
        { "{{ 'y' if n > 5 else 'z' }} {{ 'y' if n > 9 }}| {{ 'a' if 0 else 'b' if 0 else 'c' }}", "y | c" },
        // Attributes, items, parts.
        { "{{ messages[0].role }} {{ messages[-1]['content'] }} {{ messages.0.content }} {{ messages[9] }}|", "system Hi! Be brief. |" },
        { "{{ map.x }} {{ map['x'] }} {{ map.Y[1] }} {{ map.none }}| {{ map.items2 }}", "1 1 2.5 | i" },
        { "{{ 'hello'[1] }} {{ 'hello'[-1] }} {{ 'hello'[1:3] }} {{ 'hello'[::-1] }} {{ 'hello'[:-1] }} {{ 'hello'[::2] }}", "e o el olleh hell hlo" },
        { "{{ names[1:] }} {{ names[:1] }} {{ names[::-1] }} {{ names[5:] }} {{ names[-2:] }} {{ names[2:0:-1] }}", "['A', 'c'] ['b'] ['c', 'A', 'b'] [] ['A', 'c'] ['c', 'A']" },
        { "{{ emoji[1] }} {{ emoji|length }} {{ emoji[::-1] }} {{ emoji[1:] }} {{ emoji.find('é') }}", "😀 3 é😀a 😀é 2" },
        // Tests.
        { "{{ n is defined }} {{ gone is defined }} {{ gone is undefined }} {{ n is not defined }} {{ map.gone is defined }}", "True False True False False" },
        { "{{ none is none }} {{ nothing is not none }} {{ 'a' is string }} {{ 1 is string }} {{ 1 is number }} {{ true is number }}", "True False True False True True" },
        { "{{ map is mapping }} {{ names is mapping }} {{ names is sequence }} {{ 'a' is iterable }} {{ 1 is iterable }} {{ names is iterable }}", "True False True True False True" },
        { "{{ 2 is even }} {{ 3 is odd }} {{ 9 is divisibleby 3 }} {{ 9 is divisibleby(2) }} {{ true is boolean }} {{ 1 is boolean }}", "True True True False True False" },
        { "{{ 1 is integer }} {{ 1.0 is float }} {{ true is true }} {{ 1 is true }} {{ false is false }} {{ 1 is eq 1 }} {{ 1 is ne(1) }}", "True True True False True True False" },
        { "{{ 2 is gt 1 }} {{ 2 is lessthan 1 }} {{ 'a' is in ['a'] }} {{ 'a' is in 'abc' }} {{ 'AB' is upper }} {{ 'ab' is lower }}", "True False True True True True" },
        { "{{ 'yes' if n is defined and n is not none else 'no' }} {{ n is defined and gone is defined }}", "yes False" },
        // Filters.
        { "[{{ s | trim }}] [{{ 'xxaxx' | trim('x') }}] {{ 'aB' | upper }} {{ 'aB' | lower }} {{ 'hELLO you' | capitalize }} {{ 'hi you' | title }}", "[a b  c] [a] AB ab Hello you Hi You" },
        { "{{ names | length }} {{ map | length }} {{ 'abc' | count }} {{ gone | length }} {{ names | first }} {{ names | last }}", "3 3 3 0 b c" },
        { "{{ names | join }} {{ names | join(', ') }} {{ messages | join('/', attribute='role') }} {{ [1, none] | join('-') }}", "bAc b, A, c system/user/assistant 1-None" },
        { "{{ 'aXbXc' | replace('X', '-') }} {{ 'aXbXc' | replace('X', '-', 1) }} {{ 'abc' | replace('', '.') }}", "a-b-c a-bXc .a.b.c." },
        { "{{ gone | default('d') }} {{ none | default('d') }} {{ '' | default('d', true) }} {{ '' | d('x', boolean=true) }} {{ gone | default }}|", "d None d x |" },
        { "{{ map | items | list }} {{ map | dictsort | first | first }} {{ map.items() | list | length }}", "[('x', 1), ('Y', [1, 2.5, None, True, 't\\n']), ('items2', 'i')] items2 3" },
        { "{{ messages | selectattr('role', 'equalto', 'user') | map(attribute='content') | join }}", "  Hello [there] " },
        { "{{ messages | rejectattr('role', '==', 'user') | list | length }} {{ messages | selectattr('tool') | list }}", "2 []" },
        { "{{ messages | map(attribute='gone', default='-') | join }} {{ names | map('upper') | join }} {{ ['x '] | map('trim') | list }}", "--- BAC ['x']" },
        { "{{ [1, 0, 2] | select | list }} {{ [1, 2, 3] | select('odd') | list }} {{ [1, 2, 3] | reject('gt', 1) | list }}", "[1, 2] [1, 3] [1]" },
        { "{{ names | sort | join }} {{ names | sort(reverse=true) | join }} {{ names | sort(case_sensitive=true) | join }} {{ messages | sort(attribute='role') | map(attribute='role') | first }}", "Abc cbA Abc assistant" },
        { "{{ [3, 1, 2] | sum }} {{ [3, 1, 2] | min }} {{ [3, 1, 2] | max }} {{ [1, 1, 2] | unique | list }} {{ names | reverse | list }} {{ 'abc' | reverse }}", "6 1 3 [1, 2] ['c', 'A', 'b'] cba" },
        { "{{ '12' | int }} {{ 'x' | int }} {{ 'x' | int(5) }} {{ 1.9 | int }} {{ '2.5' | float }} {{ -3 | abs }} {{ 2.567 | round(2) }} {{ 7 | string + 'x' }}", "12 0 5 1 2.5 3 2.57 7x" },
        { "{{ 'a\\nb\\n\\nc' | indent }}|{{ 'a\\nb' | indent(2, true) }}", "a\n    b\n\n    c|  a\n  b" },
        { "{{ -7 | abs }} {{ \"it's mine-too\" | title }} {{ \"it's mine\".title() }}", "7 It's Mine-Too It'S Mine" },
        // JSON.
        { "{{ map | tojson }}", "{\"x\": 1, \"Y\": [1, 2.5, null, true, \"t\\n\"], \"items2\": \"i\"}" },
        { "{{ map | tojson(indent=2) }}", "{\n  \"x\": 1,\n  \"Y\": [\n    1,\n    2.5,\n    null,\n    true,\n    \"t\\n\"\n  ],\n  \"items2\": \"i\"\n}" },
        { "{{ 'é<b>&\"\\\\\\u0001' | tojson }} {{ 'é😀' | tojson(ensure_ascii=true) }} {{ {} | tojson(indent=4) }} {{ [] | tojson }}", "\"é<b>&\\\"\\\\\\u0001\" \"\\u00e9\\ud83d\\ude00\" {} []" },
        { "{{ 'é' | tojson(true) }} {{ [gone] }} {{ [gone] | tojson(false, 1) if false }}", "\"\\u00e9\" [Undefined] " },
        { "{{ {'b': 1, 'a': [1, 2]} | tojson(separators=(',', ':'), sort_keys=true) }}", "{\"a\":[1,2],\"b\":1}" },
        // Methods.
        { "[{{ s.strip() }}] [{{ s.lstrip() }}] [{{ s.rstrip() }}] [{{ '\\n\\nx'.lstrip('\\n') }}]", "[a b  c] [a b  c ] [ a b  c] [x]" },
        { "{{ s.split() }} {{ s.split(' ') }} {{ s.split(none, 1) }} {{ 'a,b,c'.split(',', 1) }} {{ 'a,b,c'.rsplit(',', 1) }} {{ ''.split() }} {{ ''.split(',') }}", "['a', 'b', 'c'] ['', 'a', 'b', '', 'c', ''] ['a', 'b  c '] ['a', 'b,c'] ['a,b', 'c'] [] ['']" },
        { "{{ 'abc'.startswith('ab') }} {{ 'abc'.startswith(('x', 'a')) }} {{ 'abc'.endswith('bc') }} {{ 'abc'.find('c') }} {{ 'abc'.find('z') }} {{ 'aXa'.rfind('a') }}", "True True True 2 -1 2" },
        { "{{ 'aB'.upper() }} {{ 'aB'.lower() }} {{ 'ab cd'.title() }} {{ 'aB'.capitalize() }} {{ 'a-b'.replace('-', '+') }} {{ ','.join(names) }}", "AB ab Ab Cd Ab a+b b,A,c" },
        { "{{ 'a\\nb\\r\\nc\\n'.splitlines() }} {{ '12'.isdigit() }} {{ 'a1'.isalpha() }} {{ 'aaa'.count('a') }} {{ 'x=1'.removeprefix('x=') }} {{ 'x.py'.removesuffix('.py') }}", "['a', 'b', 'c'] True False 3 1 x" },
        { "{{ map.get('x') }} {{ map.get('z') }} {{ map.get('z', 3) }} {{ map.keys() | list }} {{ map.values() | first }} {{ names.index('A') }}", "1 None 3 ['x', 'Y', 'items2'] 1 1" },
        // Statements.
        { "{% if n > 9 %}a{% elif n > 5 %}b{% else %}c{% endif %}", "b" },
        { "{% for m in messages %}{{ loop.index }}/{{ loop.length }}:{{ m.role }}{% if not loop.last %}, {% endif %}{% endfor %}", "1/3:system, 2/3:user, 3/3:assistant" },
        { "{% for x in names %}{{ loop.first }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.previtem }}{{ loop.nextitem }};{% endfor %}", "True032A;False121bc;False210A;" },
        { "{% for x in names if x != 'A' %}{{ loop.index }}{{ x }}{% else %}none{% endfor %} {% for x in [] %}a{% else %}none{% endfor %}", "1b2c none" },
        { "{% for k, v in map.items() %}{{ k }}={{ v }};{% endfor %}{% for k in map %}{{ k }}{% endfor %}", "x=1;Y=[1, 2.5, None, True, 't\\n'];items2=i;xYitems2" },
        { "{% for a in [1, 2] %}{% for b in [1, 2] %}{{ loop.index }}{% endfor %}{{ loop.index }};{% endfor %}", "121;122;" },
        { "{% for x in range(3) %}{{ x }}{% endfor %} {% for x in range(5, 0, -2) %}{{ x }}{% endfor %} {{ range(2, 4) | list }}", "012 531 [2, 3]" },
        { "{% for x in range(9) %}{% if x == 2 %}{% continue %}{% endif %}{% if x == 4 %}{% break %}{% endif %}{{ x }}{% endfor %}", "013" },
        { "{% for x in 'ab' %}{{ loop.cycle('1', '2') }}{{ x }}{% endfor %}{% for x in [1, 1, 2] %}{% if loop.changed(x) %}{{ x }}{% endif %}{% endfor %}", "1a2b12" },
        { "{% set x = 1 %}{% for i in [1, 2] %}{% set x = x + i %}{{ x }}{% endfor %}{{ x }}", "231" },
        { "{% set ns = namespace(a=1, b='x') %}{% for i in [1, 2] %}{% set ns.a = ns.a + i %}{% endfor %}{{ ns.a }}{{ ns.b }}", "4x" },
        { "{% set a, b = 1, 2 %}{{ a + b }} {% set t %}x{{ n }}{% endset %}{{ t | length }} {% set u | upper %}ab{% endset %}{{ u }}", "3 2 AB" },
        { "{% if n %}{% set z = 5 %}{% endif %}{{ z }}", "5" },
        { "{% macro say(a, b='!') %}{{ a }}{{ b }}{% endmacro %}{{ say('hi') }} {{ say('hi', '?') }} {{ say(b='.', a='x') | upper }}", "hi! hi? X." },
        { "{% set top = 'T' %}{%- macro m(x) -%}\n  {{ top }}{{ x }}\n{%- endmacro -%}{{ m(1) }}{{ m(m(2)) }}", "T1TT2" },
        { "{% macro down(k) %}{{ k }}{% if k > 0 %}{{ down(k - 1) }}{% endif %}{% endmacro %}{{ down(3) }}", "3210" },
        { "{% filter upper | trim %} ab {% endfilter %}", "AB" },
        { "{{ dict(a=1, b=2) | tojson }} {{ {'a': {'b': 1}}.a.b }} {{ {'a': 1}['a'] }}", "{\"a\": 1, \"b\": 2} 1 1" },
        { "{%- if messages[0]['role'] == 'system' -%}{%- set rest = messages[1:] -%}{%- else -%}{%- set rest = messages -%}{%- endif -%}{{ rest | length }}", "2" },
        { "{{ 'x' if add_generation_prompt else 'y' }} {{ tools is defined }} {{ tools }} {{ bos_token + 'a' + eos_token }} {{ pad_token is defined }}", "y True None <s>a</s> False" },
    };
}
