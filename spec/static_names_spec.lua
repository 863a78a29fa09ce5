--- No name of a static function or of static data at the level of a file stands in two files of
--- src/: gdb and perf know a static function by its name alone.
local kit = require("kit")
local source = require("source")

--- Puts the names that the text of a file declares static into `found`: name -> list of files.
local function collect(found, path, text)
  local code = ("\n" .. source.without_comments(text))
    :gsub("__attribute__%s*%b()%s*", "")
    :gsub("rt_atomic%s*%b()", "atomic")
    :gsub("(%f[%w_]struct[%s%w_]*)%b{}", "%1 ")
  local here = {}
  for declaration in code:gmatch("\nstatic%s+([^;={]*)") do
    local name = declaration:match("%(%s*%*[%s%w_]-([%w_]+)%s*[%[)]") -- a pointer to a function
      or declaration:match("([%w_]+)%s*%(")
    for declarator in (name or declaration):gsub("%b[]", ""):gmatch("[^,]+") do
      here[declarator:match("([%w_]+)%s*$")] = true
    end
  end
  for name in pairs(here) do
    found[name] = found[name] or {}
    table.insert(found[name], path)
  end
end

--- The sorted lines "name: file, file" for what stands in more than one file.
local function duplicates(found)
  local lines = {}
  for name, paths in pairs(found) do
    if #paths > 1 then
      table.sort(paths)
      lines[#lines + 1] = name .. ": " .. table.concat(paths, ", ")
    end
  end
  table.sort(lines)
  return lines
end

describe("static names of src/:", function()
  it("none stands in two files", function()
    local found, count = {}, 0
    for _, path in ipairs(source.c_files("src")) do
      collect(found, path, kit.read(path))
    end
    for _ in pairs(found) do
      count = count + 1
    end
    assert.is_true(count > 1000, "only " .. count .. " names were found")
    assert.same({}, duplicates(found))
  end)

  it("… and a name that stands in two is found", function()
    local found = {}
    collect(
      found,
      "a.c",
      [[
/* static int comment(void) { */
static void run(int n);
static inline const char *
text_of(const thing *t) {
  static int inner;
}
__attribute__((format(printf, 2, 3))) static void say(const char *format, ...) {
static struct {
  rt_atomic(long) count;
} stats = {0};
static rt_atomic(long) sum;
static int first, second[2];
static void (*hook)(int);
static void run(int n) { (void)n; }
]]
    )
    assert.same({}, duplicates(found))
    collect(
      found,
      "b.h",
      [[
static inline int run(int n) { return n; }
static char *text_of(int n) {
static void say(void) {}
static const int stats[] = {1, 2}, sum;
static bool second;
static int hook;
int count;
static bool inner_of(void);
static void comment(void);
]]
    )
    assert.same({
      "hook: a.c, b.h",
      "run: a.c, b.h",
      "say: a.c, b.h",
      "second: a.c, b.h",
      "stats: a.c, b.h",
      "text_of: a.c, b.h",
    }, duplicates(found))
  end)
end)
