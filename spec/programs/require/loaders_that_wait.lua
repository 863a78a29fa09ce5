--- A loader of package.preload waits, and so do a searcher and its loader.
local rt = require("rt")

package.preload.p = function()
  rt.sleep(0.001)
  return "preloaded"
end
table.insert(package.searchers, 2, function(name)
  rt.sleep(0.001)
  return name == "q" and function()
    rt.yield()
    return "found"
  end
end)
print(rt.run(function()
  return (require("p")), (require("q"))
end))
