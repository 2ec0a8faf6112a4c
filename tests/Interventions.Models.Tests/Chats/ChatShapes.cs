namespace Interventions.Models.Tests.Chats;

/// <summary>Chat templates in the manner of those that models have, and what they make of small chats.</summary>
internal static class ChatShapes
{
    public const string ChatMl = """
        {% for turn in messages %}
        {% if loop.first and turn.role != 'system' %}
        {{- '<|im_start|>system\nYou help.<|im_end|>\n' }}
        {%- endif %}
        {{- '<|im_start|>' + turn['role'] + '\n' + turn['content'] + '<|im_end|>' + '\n' }}
        {%- endfor %}
        {% if add_generation_prompt %}
        {{- '<|im_start|>assistant\n' }}
        {%- endif %}
        """;

    public const string Llama2 = """
        {%- if messages[0]['role'] == 'system' -%}
            {%- set turns = messages[1:] -%}
            {%- set rules = '<<SYS>>\n' + messages[0]['content'] + '\n<</SYS>>\n\n' -%}
        {%- else -%}
            {%- set turns = messages -%}
            {%- set rules = '' -%}
        {%- endif -%}
        {%- for turn in turns -%}
            {%- if (turn['role'] == 'user') != (loop.index0 % 2 == 0) -%}
                {{ raise_exception('user and assistant take turns') }}
            {%- endif -%}
            {%- if turn['role'] == 'user' -%}
                {{ bos_token + '[INST] ' + (rules if loop.first else '') + turn['content'].strip() + ' [/INST]' }}
            {%- else -%}
                {{ ' ' + turn['content'].strip() + ' ' + eos_token }}
            {%- endif -%}
        {%- endfor -%}
        """;

    public const string Llama3 = """
        {%- if not day is defined %}
            {%- if strftime_now is defined %}
                {%- set day = strftime_now("%d %b %Y") %}
            {%- else %}
                {%- set day = "1 Jan 2024" %}
            {%- endif %}
        {%- endif %}
        {{- bos_token }}
        {%- if messages[0].role == 'system' %}
            {%- set rules = messages[0]['content'] | trim %}
            {%- set messages = messages[1:] %}
        {%- else %}
            {%- set rules = "" %}
        {%- endif %}
        {{- "<|start_header_id|>system<|end_header_id|>\n\n" }}
        {{- "Today: " + day + "\n\n" }}
        {{- rules }}
        {{- "<|eot_id|>" }}
        {%- for turn in messages %}
            {{- '<|start_header_id|>' + turn['role'] + '<|end_header_id|>\n\n' + turn['content'] | trim + '<|eot_id|>' }}
        {%- endfor %}
        {%- if add_generation_prompt %}
            {{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}
        {%- endif %}
        """;

    public const string Gemma = """
        {{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system message is known') }}{% endif %}
        {% for turn in messages %}{% set name = 'model' if turn['role'] == 'assistant' else turn['role'] %}
        {{ '<start_of_turn>' + name + '
        ' + turn['content'] | trim + '<end_of_turn>
        ' }}{% endfor %}{% if add_generation_prompt %}{{ '<start_of_turn>model
        ' }}{% endif %}
        """;

    public const string Mistral = """
        {{- bos_token }}
        {%- for turn in messages if turn.role != 'system' %}
            {%- if turn.role == 'user' %}
                {%- if loop.last and messages[0].role == 'system' %}
                    {{- '[INST] ' ~ messages[0].content ~ '\n\n' ~ turn.content ~ '[/INST]' }}
                {%- else %}
                    {{- '[INST] ' ~ turn.content ~ '[/INST]' }}
                {%- endif %}
            {%- elif turn.role == 'assistant' %}
                {{- ' ' ~ (turn.content | trim) ~ eos_token }}
            {%- endif %}
        {%- endfor %}
        """;

    public const string Phi3 = """
        {{ bos_token }}{% for turn in messages %}{{'<|' + turn['role'] + '|>' + '
        ' + turn['content'] + '<|end|>
        ' }}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>
        ' }}{% else %}{{ eos_token }}{% endif %}
        """;

    public const string Zephyr = """
        {% for turn in messages %}
        {% if turn['role'] == 'user' %}
        {{ '<|user|>
        ' + turn['content'] + eos_token }}
        {% elif turn['role'] == 'system' %}
        {{ '<|system|>
        ' + turn['content'] + eos_token }}
        {% elif turn['role'] == 'assistant' %}
        {{ '<|assistant|>
        '  + turn['content'] + eos_token }}
        {% endif %}
        {% if loop.last and add_generation_prompt %}
        {{ '<|assistant|>' }}
        {% endif %}
        {% endfor %}
        """;

    public const string DeepSeek = """
        {% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}
        {% set ns = namespace(is_first=true, rules='') %}
        {%- for turn in messages %}{%- if turn['role'] == 'system' %}{%- if ns.is_first %}
        {%- set ns.rules = ns.rules + turn['content'] %}{%- set ns.is_first = false %}
        {%- else %}{%- set ns.rules = ns.rules + '\n\n' + turn['content'] %}{%- endif %}{%- endif %}{%- endfor %}
        {{- bos_token }}{{ ns.rules }}
        {%- for turn in messages %}
            {%- if turn['role'] == 'user' %}{{ '<|User|>' + turn['content'] }}{%- endif %}
            {%- if turn['role'] == 'assistant' and turn['content'] is not none %}
                {%- set said = turn['content'] %}
                {%- if '</think>' in said %}{% set said = said.split('</think>')[-1] %}{% endif %}
                {{- '<|Assistant|>' + said + eos_token }}
            {%- endif %}
        {%- endfor %}
        {%- if add_generation_prompt %}{{ '<|Assistant|>' }}{% endif %}
        """;

    public const string Qwen = """
        {%- macro open(role) %}{{ '<|im_start|>' ~ role ~ '\n' }}{% endmacro %}
        {%- if tools %}
            {{- open('system') }}
            {{- messages[0].content ~ '\n\n' if messages[0].role == 'system' else '' }}
            {{- "# Tools\n<tools>" }}
            {%- for tool in tools %}
                {{- "\n" }}
                {{- tool | tojson }}
            {%- endfor %}
            {{- "\n</tools><|im_end|>\n" }}
        {%- else %}
            {{- open('system') ~ (messages[0].content if messages[0].role == 'system' else 'You help.') ~ '<|im_end|>\n' }}
        {%- endif %}
        {%- set ns = namespace(last=messages | length - 1) %}
        {%- for turn in messages[::-1] %}
            {%- set index = (messages | length - 1) - loop.index0 %}
            {%- if turn.role == 'user' and turn.content is string and not turn.content.startswith('<tool_response>') %}
                {%- set ns.last = index %}
                {%- break %}
            {%- endif %}
        {%- endfor %}
        {%- for turn in messages %}
            {%- if (turn.role == "user") or (turn.role == "system" and not loop.first) %}
                {{- open(turn.role) + turn.content + '<|im_end|>' + '\n' }}
            {%- elif turn.role == "assistant" %}
                {%- set said = turn.content %}
                {%- set thought = '' %}
                {%- if '</think>' in said %}
                    {%- set thought = said.split('</think>')[0].rstrip('\n').split('<think>')[-1].lstrip('\n') %}
                    {%- set said = said.split('</think>')[-1].lstrip('\n') %}
                {%- endif %}
                {{- open('assistant') }}
                {%- if loop.index0 > ns.last and thought %}
                    {{- '<think>\n' + thought.strip('\n') + '\n</think>\n\n' }}
                {%- endif %}
                {{- said }}
                {%- for call in turn.tool_calls | default([], true) %}
                    {{- '\n<tool_call>\n{"name": "' ~ call.function.name ~ '", "arguments": ' }}
                    {{- call.function.arguments if call.function.arguments is string else call.function.arguments | tojson }}
                    {{- '}\n</tool_call>' }}
                {%- endfor %}
                {{- '<|im_end|>\n' }}
            {%- elif turn.role == "tool" %}
                {%- if loop.first or messages[loop.index0 - 1].role != "tool" %}{{- '<|im_start|>user' }}{%- endif %}
                {{- '\n<tool_response>\n' + turn.content + '\n</tool_response>' }}
                {%- if loop.last or loop.nextitem.role != "tool" %}{{- '<|im_end|>\n' }}{%- endif %}
            {%- endif %}
        {%- endfor %}
        {%- if add_generation_prompt %}
            {{- open('assistant') }}
            {%- if enable_thinking is defined and enable_thinking is false %}{{- '<think>\n\n</think>\n\n' }}{%- endif %}
        {%- endif %}
        """;

    /// <summary>A template; a chat, as <see cref="Read"/> reads it; the text with the beginning of a reply, and without.</summary>
    public static TheoryData<string, string, string, string> All => new()
    {
        { ChatMl, "user:Hi", "<|im_start|>system\nYou help.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n", "<|im_start|>system\nYou help.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n" },
        { ChatMl, "system:Be brief.|user:Hi|assistant:Yo", "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nYo<|im_end|>\n<|im_start|>assistant\n", "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nYo<|im_end|>\n" },
        { Llama2, "user: Hi ", "<s>[INST] Hi [/INST]", "<s>[INST] Hi [/INST]" },
        { Llama2, "system:Be brief.|user:Hi|assistant:Yo|user:Bye", "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHi [/INST] Yo </s><s>[INST] Bye [/INST]", "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHi [/INST] Yo </s><s>[INST] Bye [/INST]" },
        { Llama3, "user: Hi ", "<s><|start_header_id|>system<|end_header_id|>\n\nToday: 26 Jul 2024\n\n<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n", "<s><|start_header_id|>system<|end_header_id|>\n\nToday: 26 Jul 2024\n\n<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>" },
        { Llama3, "system: Be brief.\n|user:Hi", "<s><|start_header_id|>system<|end_header_id|>\n\nToday: 26 Jul 2024\n\nBe brief.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n", "<s><|start_header_id|>system<|end_header_id|>\n\nToday: 26 Jul 2024\n\nBe brief.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>" },
        { Gemma, "user: Hi |assistant:Yo", "<s><start_of_turn>user\nHi<end_of_turn>\n<start_of_turn>model\nYo<end_of_turn>\n<start_of_turn>model\n", "<s><start_of_turn>user\nHi<end_of_turn>\n<start_of_turn>model\nYo<end_of_turn>\n" },
        {
            Mistral, "system:Be brief.|user:Hi|assistant: Yo|user:Bye", "<s>[INST] Hi[/INST] Yo</s>[INST] Be brief.\n\nBye[/INST]",
            "<s>[INST] Hi[/INST] Yo</s>[INST] Be brief.\n\nBye[/INST]"
        },
        { Phi3, "system:Be brief.|user:Hi", "<s><|system|>\nBe brief.<|end|>\n<|user|>\nHi<|end|>\n<|assistant|>\n", "<s><|system|>\nBe brief.<|end|>\n<|user|>\nHi<|end|>\n</s>" },
        { Zephyr, "system:Be brief.|user:Hi", "<|system|>\nBe brief.</s>\n<|user|>\nHi</s>\n<|assistant|>\n", "<|system|>\nBe brief.</s>\n<|user|>\nHi</s>\n" },
        { DeepSeek, "system:Be|system:brief|user:Hi|assistant:<think>hm</think>Yo|user:Bye", "<s>Be\n\nbrief<|User|>Hi<|Assistant|>Yo</s><|User|>Bye<|Assistant|>", "<s>Be\n\nbrief<|User|>Hi<|Assistant|>Yo</s><|User|>Bye" },
        { Qwen, "user:Hi", "<|im_start|>system\nYou help.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n", "<|im_start|>system\nYou help.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n" },
        { Qwen, "system:Be brief.|user:Hi|assistant:<think>\nhm\n</think>\n\nYo", "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n<think>\nhm\n</think>\n\nYo<|im_end|>\n<|im_start|>assistant\n", "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n<think>\nhm\n</think>\n\nYo<|im_end|>\n" },
        { Qwen, "user:Hi|assistant:<think>\nhm\n</think>\n\nYo|user:Bye|tool:4|tool:5", "<|im_start|>system\nYou help.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nYo<|im_end|>\n<|im_start|>user\nBye<|im_end|>\n<|im_start|>user\n<tool_response>\n4\n</tool_response>\n<tool_response>\n5\n</tool_response><|im_end|>\n<|im_start|>assistant\n", "<|im_start|>system\nYou help.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nYo<|im_end|>\n<|im_start|>user\nBye<|im_end|>\n<|im_start|>user\n<tool_response>\n4\n</tool_response>\n<tool_response>\n5\n</tool_response><|im_end|>\n" },
    };

    /// <summary>A chat written as <c>user:Hi|assistant:Yo</c>.</summary>
    public static ChatMessage[] Read(string chat) =>
        [.. chat.Split('|').Select(turn => new ChatMessage(turn[..turn.IndexOf(':')], turn[(turn.IndexOf(':') + 1)..]))];
}
