// Evaluations a second of pagmo's CMA-ES and DE on Rosenbrock: ALGORITHM DIMENSIONS POPULATION GENERATIONS -> CPU seconds, evaluations.
#include <ctime>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <pagmo/algorithm.hpp>
#include <pagmo/algorithms/cmaes.hpp>
#include <pagmo/algorithms/de.hpp>
#include <pagmo/population.hpp>
#include <pagmo/problem.hpp>
#include <pagmo/problems/rosenbrock.hpp>

int main(int argc, char **argv) {
  if (argc != 5) return 2;
  const unsigned dimensions = std::atoi(argv[2]), size = std::atoi(argv[3]), generations = std::atoi(argv[4]);
  pagmo::problem problem{pagmo::rosenbrock(dimensions)};
  pagmo::population population{problem, size, 7u};
  // Tolerances of 0: it runs all generations. Variant 7 is rand/1/bin, as ours.
  pagmo::algorithm algorithm = std::strcmp(argv[1], "cma") == 0
      ? pagmo::algorithm{pagmo::cmaes(generations, -1, -1, -1, -1, 0.5, 0., 0., false, true, 7u)}
      : pagmo::algorithm{pagmo::de(generations, 0.8, 0.9, 7u, 0., 0., 7u)};
  const auto before = population.get_problem().get_fevals();
  const std::clock_t start = std::clock();
  population = algorithm.evolve(population);
  const double seconds = double(std::clock() - start) / CLOCKS_PER_SEC;
  std::printf("%.6f %llu\n", seconds, (unsigned long long)(population.get_problem().get_fevals() - before));
}
